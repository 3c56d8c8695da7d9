// Shrinks a failing scenario as long as it fails in the same way: fewer faults, agents, files and tests, and plain values for the rest.

import { problemsOf } from './check.ts';
import { type Played, play } from './play.ts';
import type { Fault, Limits, Scenario, SimulatedAgent, SimulatedFile, SimulatedTest } from './scenario.ts';

/** How many smaller scenarios are tried by default. */
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
    for (const pass of passes) {
      // A candidate that did not help is skipped; after one that did, the same index is tried again.
      for (let index = 0; ; ) {
        const candidate = pass(smallest.scenario)[index];
        if (candidate === undefined) break;
        if (tries++ >= mostTries) return smallest;
        const problems = problemsOf(await run(candidate));
        if (problems.some((problem) => kinds.has(kindOf(problem)))) {
          smallest = { scenario: candidate, problems };
          isSmaller = true;
        } else index += 1;
      }
    }
  }
  return smallest;
}

/** A problem without its names and numbers. */
export const kindOf = (problem: string): string => problem.replace(/\S*[\d:/]\S*/g, '…');

/** The size of a scenario, in words. */
export function sizeOf({ files, agents, faults }: Scenario): string {
  const tests = files.reduce((sum, file) => sum + file.tests.length, 0);
  return `${counted(files.length, 'file')}, ${counted(tests, 'test')}, ${counted(agents.length, 'agent')}, ${counted(faults.length, 'fault')}`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Each pass makes smaller scenarios of one, the smallest first. */
const passes: readonly ((scenario: Scenario) => readonly Scenario[])[] = [
  (scenario) => fewer(scenario.faults).map((faults) => ({ ...scenario, faults })),
  (scenario) => fewer(scenario.files).flatMap((files) => withFiles(scenario, files)),
  (scenario) => fewer(scenario.agents).flatMap((agents) => (agents.length === 0 ? [] : [{ ...scenario, agents }])),
  (scenario) => changed(scenario, 'files', (file) => fewer(file.tests).map((tests) => ({ ...file, tests }))),
  plainerLimits,
  (scenario) => changed(scenario, 'files', (file) => [...plainerFiles(file)]),
  (scenario) => changed(scenario, 'agents', (agent) => [...plainerAgents(agent)]),
];

/** Without half of them, without a quarter, … without one. */
function fewer<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const found: (readonly Item[])[] = [];
  for (let size = items.length; size > 0; size = Math.floor(size / 2))
    for (let from = 0; from + size <= items.length; from += size) found.push(items.toSpliced(from, size));
  return found;
}

/** A smaller suite ends sooner, so a fault in the middle of it may have to strike sooner too. */
function withFiles(scenario: Scenario, files: readonly SimulatedFile[]): readonly Scenario[] {
  const part = files.length / scenario.files.length;
  const faults = scenario.faults.map((fault): Fault => ({ ...fault, at: Math.floor(fault.at * part) }));
  return [
    { ...scenario, files },
    { ...scenario, files, faults },
  ];
}

function plainerLimits(scenario: Scenario): readonly Scenario[] {
  const { limits } = scenario;
  const odd = Object.entries(PLAIN_LIMITS).filter(([name, value]) => limits[name as keyof Limits] !== value);
  const plainer = odd.map(([name, value]): Scenario => ({ ...scenario, limits: { ...limits, [name]: value } }));
  return scenario.collect === 'suite' ? [{ ...scenario, collect: 'file' }, ...plainer] : plainer;
}

/** With one of its files or agents changed. */
function changed<Part extends 'files' | 'agents'>(
  scenario: Scenario,
  part: Part,
  change: (item: Scenario[Part][number]) => readonly Scenario[Part][number][],
): readonly Scenario[] {
  const items: readonly Scenario[Part][number][] = scenario[part];
  return items.flatMap((item, index) => change(item).map((other): Scenario => ({ ...scenario, [part]: items.with(index, other) })));
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
  if (test.needs !== undefined) {
    const { needs: _, ...plain } = test;
    yield plain;
  }
}

function* plainerAgents(agent: SimulatedAgent): Generator<SimulatedAgent> {
  if (agent.kind !== 'sound') yield { ...agent, kind: 'sound' };
  if (agent.slowness !== 1) yield { ...agent, slowness: 1 };
  if (agent.skewMs !== 0) yield { ...agent, skewMs: 0 };
  if (agent.workers !== 1) yield { ...agent, workers: 1 };
  if (agent.startsAt !== 0) yield { ...agent, startsAt: 0 };
}
