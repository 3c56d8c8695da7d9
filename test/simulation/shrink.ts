// Makes a scenario that fails smaller, as long as it fails in the same way: fewer faults, agents, files and tests, and nothing special about the rest.

import { problemsOf } from './check.ts';
import { type Played, play } from './play.ts';
import type { Limits, Scenario, SimulatedAgent, SimulatedFile, SimulatedTest } from './scenario.ts';

/** How many smaller scenarios are tried where nobody says. */
const TRIES = 600;

const PLAIN_LIMITS: Limits = {
  attemptLimit: 3,
  crashLimit: 0,
  maxfail: 0,
  deadlineSeconds: null,
  rerunTimes: 0,
  waitAgentSeconds: 30,
  testTimeoutSeconds: 10,
  speculate: false,
};

export interface Shrunk {
  readonly scenario: Scenario;
  readonly problems: readonly string[];
}

/** `run` plays a scenario; problems count as the same where they differ in names and numbers only. */
export async function shrink(
  scenario: Scenario,
  run: (scenario: Scenario) => Promise<Played> = play,
  mostTries: number = TRIES,
): Promise<Shrunk> {
  let smallest: Shrunk = { scenario, problems: problemsOf(await run(scenario)) };
  const kinds = new Set(smallest.problems.map(kindOf));
  let tries = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smallerThan(smallest.scenario)) {
      if (tries++ >= mostTries) return smallest;
      const problems = problemsOf(await run(candidate));
      if (!problems.some((problem) => kinds.has(kindOf(problem)))) continue;
      smallest = { scenario: candidate, problems };
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** A problem without what only names who and which. */
export const kindOf = (problem: string): string => problem.replace(/\S*[\d:/]\S*/g, '…');

/** How much there is of it, in words. */
export function sizeOf({ files, agents, faults }: Scenario): string {
  const tests = files.reduce((sum, file) => sum + file.tests.length, 0);
  return `${counted(files.length, 'file')}, ${counted(tests, 'test')}, ${counted(agents.length, 'agent')}, ${counted(faults.length, 'fault')}`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function* smallerThan(scenario: Scenario): Generator<Scenario> {
  const { files, agents, faults, limits, collect } = scenario;
  for (const fewer of halves(files)) yield { ...scenario, files: fewer };
  for (const fewer of without(faults)) yield { ...scenario, faults: fewer };
  for (const fewer of without(agents)) if (fewer.length > 0) yield { ...scenario, agents: fewer };
  for (const fewer of without(files)) yield { ...scenario, files: fewer };
  if (collect === 'suite') yield { ...scenario, collect: 'file' };
  for (const [name, value] of Object.entries(PLAIN_LIMITS))
    if (limits[name as keyof Limits] !== value) yield { ...scenario, limits: { ...limits, [name]: value } };
  for (const [index, file] of files.entries()) {
    for (const fewer of without(file.tests)) yield { ...scenario, files: files.with(index, { ...file, tests: fewer }) };
    for (const plainer of plainerFiles(file)) yield { ...scenario, files: files.with(index, plainer) };
  }
  for (const [index, agent] of agents.entries())
    for (const plainer of plainerAgents(agent)) yield { ...scenario, agents: agents.with(index, plainer) };
}

function* halves<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  const middle = Math.floor(items.length / 2);
  if (middle === 0) return;
  yield items.slice(0, middle);
  yield items.slice(middle);
}

function* without<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (const index of items.keys()) yield items.toSpliced(index, 1);
}

function* plainerFiles(file: SimulatedFile): Generator<SimulatedFile> {
  if (file.isBroken) yield { ...file, isBroken: false };
  if (!file.mayBackUp) yield { ...file, mayBackUp: true };
  if (file.knownAs !== null) yield { ...file, knownAs: null };
  for (const [index, test] of file.tests.entries())
    for (const plainer of plainerTests(test)) yield { ...file, tests: file.tests.with(index, plainer) };
}

function* plainerTests(test: SimulatedTest): Generator<SimulatedTest> {
  if (test.manner !== 'steady') yield { ...test, manner: 'steady' };
  if (test.outcome !== 'passed') yield { ...test, outcome: 'passed' };
  if (test.isSerial) yield { ...test, isSerial: false };
}

function* plainerAgents(agent: SimulatedAgent): Generator<SimulatedAgent> {
  if (agent.kind !== 'sound') yield { ...agent, kind: 'sound' };
  if (agent.slowness !== 1) yield { ...agent, slowness: 1 };
  if (agent.skewMs !== 0) yield { ...agent, skewMs: 0 };
  if (agent.workers !== 1) yield { ...agent, workers: 1 };
  if (agent.startsAt !== 0) yield { ...agent, startsAt: 0 };
}
