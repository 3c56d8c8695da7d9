// What a simulation plays, as plain data: the suite with the truth about each test, the agents, and the faults with their times. A scenario is made from
// a seed and can be shrunk. Durations and instants are in milliseconds; instants count from the start of the run.

import { assertNever } from '../../shared/assert-never.ts';
import { allNeeds, type Needs, type ResourceLimits, type ResourceNeed } from '../../shared/domain/needs.ts';
import type { Outcome } from '../../shared/domain/outcome.ts';
import { type Random, randomOf } from './random.ts';

/**
 * `heals`: fails, and passes in its rerun. `kills-worker`: kills its xdist worker. `kills-session`: kills the whole pytest, `kills-session-once` only
 * the first time anywhere. `hangs`: runs until it is killed for taking too long.
 */
export const manners = ['steady', 'heals', 'kills-worker', 'kills-session', 'kills-session-once', 'hangs'] as const;
export type Manner = (typeof manners)[number];

export interface SimulatedTest {
  readonly id: string;
  readonly ms: number;
  /** The outcome of a steady test. */
  readonly outcome: Outcome;
  readonly manner: Manner;
  readonly isSerial: boolean;
  /** Absent if it needs nothing. */
  readonly needs?: Needs;
}

export interface SimulatedFile {
  readonly name: string;
  readonly collectMs: number;
  /** It cannot be collected. */
  readonly isBroken: boolean;
  /** May a second copy of it run beside the first? */
  readonly mayBackUp: boolean;
  /** What an earlier run measured, as a multiple of the true duration; null for a new file. */
  readonly knownAs: number | null;
  readonly tests: readonly SimulatedTest[];
}

/**
 * `broken`: every test fails there. `lacking`: it can collect no file. `unable`: pytest does not start. `foreign`: its workspace is not the run's.
 */
export const agentKinds = ['sound', 'broken', 'lacking', 'unable', 'foreign'] as const;

export interface SimulatedAgent {
  readonly name: string;
  readonly kind: (typeof agentKinds)[number];
  readonly workers: number;
  readonly startsAt: number;
  /** How long its pytest takes to start. */
  readonly startMs: number;
  /** By how much its machine's clock is ahead. */
  readonly skewMs: number;
  /** How much longer everything takes on its machine. */
  readonly slowness: number;
  /** Absent without any. */
  readonly labels?: readonly string[];
}

/** `of` is an agent's name, `coordinator` for the newest coordinator, or `all`. */
export type Fault =
  /** Connections break; messages on their way are sent again. */
  | { readonly kind: 'break'; readonly at: number; readonly of: string }
  /** No message gets through; afterwards, connections that were silent for too long are made anew. */
  | { readonly kind: 'cut'; readonly at: number; readonly of: string; readonly forMs: number }
  /** Messages are slow. */
  | { readonly kind: 'slow'; readonly at: number; readonly of: string; readonly forMs: number; readonly delayMs: number }
  /** SIGSTOP, and SIGCONT later. */
  | { readonly kind: 'freeze'; readonly at: number; readonly of: string; readonly forMs: number }
  /** SIGKILL; with `isSilent` the machine is gone, and Redis does not learn of it. */
  | { readonly kind: 'kill'; readonly at: number; readonly of: string; readonly isSilent: boolean }
  /** The agent interrupts what it runs, and leaves. */
  | { readonly kind: 'leave'; readonly at: number; readonly of: string }
  /** The agent takes no more attempts, and leaves once it has finished what it runs. */
  | { readonly kind: 'drain'; readonly at: number; readonly of: string }
  /** Another coordinator resumes the run from the record of the newest. */
  | { readonly kind: 'take-over'; readonly at: number }
  /** Ctrl-C. */
  | { readonly kind: 'interrupt'; readonly at: number }
  /** Redis restarts: with all it had, with nothing, or with what it had that many milliseconds before. */
  | { readonly kind: 'restart'; readonly at: number; readonly downMs: number; readonly keeps: 'all' | 'nothing' | number };

export interface Limits {
  readonly attemptLimit: number;
  readonly crashLimit: number;
  readonly maxfail: number;
  readonly deadlineSeconds: number | null;
  readonly rerunTimes: number;
  readonly waitAgentSeconds: number;
  readonly testTimeoutSeconds: number;
  readonly speculate: boolean;
}

/** Another run of the same pool, served by the same agents. */
export interface SecondRun {
  readonly startsAt: number;
  readonly priority: number;
  /** When somebody cancels it; null for never. */
  readonly cancelledAt: number | null;
  readonly files: readonly SimulatedFile[];
}

export interface Scenario {
  readonly seed: number;
  readonly collect: 'file' | 'suite';
  readonly files: readonly SimulatedFile[];
  readonly agents: readonly SimulatedAgent[];
  readonly faults: readonly Fault[];
  readonly limits: Limits;
  /** Does the run count the numbers of batches, as one that requires signatures does? */
  readonly isSigned?: boolean;
  /** How many units of each resource the fleet has; one of each if absent. */
  readonly resources?: ResourceLimits;
  /** Absent if the pool has one run. */
  readonly second?: SecondRun;
  /** What another run of the pool uses, one after the other. Absent if the run shares its resources with no other. */
  readonly rival?: readonly RivalUse[];
}

export interface RivalUse {
  readonly at: number;
  readonly resources: readonly ResourceNeed[];
  readonly forMs: number;
}

/** In calm weather and with departures only, nothing is lost, so the result of the run is known exactly. */
const weathers = ['calm', 'calm', 'departures', 'departures', 'storm', 'storm', 'storm', 'storm', 'storm', 'storm'] as const;
type Weather = (typeof weathers)[number];

export function scenarioOf(seed: number): Scenario {
  const random = randomOf(seed, 'scenario');
  const weather = random.pick(weathers);
  const collect = random.chance(0.3) ? 'suite' : 'file';
  const files = filesOf(random, weather);
  const agents = agentsOf(random, weather);
  const faults = faultsIn(weather, random, agents, likelyMs(files, agents));
  return { seed, collect, files, agents, faults, limits: limitsOf(random, weather), isSigned: seed % 2 === 0 };
}

/** A deadline that no run comes near. It changes in which order shards start, and nothing else. */
const FAR_SECONDS = 3600;

/** May the run end at its deadline? */
export const hasNearDeadline = ({ limits: { deadlineSeconds } }: Scenario): boolean =>
  deadlineSeconds !== null && deadlineSeconds < FAR_SECONDS;

/** The scenario of the seed, with tests that need labels and resources. Half of those without a deadline get one that is far away. */
export function needyScenarioOf(seed: number): Scenario {
  const scenario = scenarioOf(seed);
  const random = randomOf(seed, 'needs');
  const resources = { db: random.int(1, 2), port: random.int(1, 3) };
  const isLabelled = random.chance(0.5);
  const files = withNeeds(scenario.files, resources, isLabelled, random);
  const agents = scenario.agents.map((agent) => ({
    ...agent,
    labels: random.chance(0.6) ? ['gpu'] : random.chance(0.3) ? ['big', 'gpu'] : [],
  }));
  const rivalUse = (): RivalUse => ({
    at: random.int(0, likelyMs(files, agents)),
    resources: (['db', 'port'] as const).filter(() => random.chance(0.7)).map((name) => ({ name, units: random.int(1, resources[name]) })),
    forMs: random.int(100, 4000),
  });
  // A Redis that loses its data forgets who uses what.
  const isForgetful = scenario.faults.some((fault) => fault.kind === 'restart' && fault.keeps !== 'all');
  const far = randomOf(seed, 'far deadline').chance(0.5) ? FAR_SECONDS : null;
  const rival = isForgetful ? [] : Array.from({ length: random.int(0, 5) }, rivalUse).filter((each) => each.resources.length > 0);
  return {
    ...scenario,
    limits: { ...scenario.limits, deadlineSeconds: scenario.limits.deadlineSeconds ?? far },
    resources,
    files,
    agents,
    ...(random.chance(0.7) ? { rival: rival.sort((left, right) => left.at - right.at) } : {}),
    faults: scenario.faults.map((fault) => (fault.kind === 'leave' && fault.at % 2 === 0 ? { ...fault, kind: 'drain' } : fault)),
  };
}

/** The files, with tests that need labels and resources. */
function withNeeds(
  files: readonly SimulatedFile[],
  resources: Readonly<Record<'db' | 'port', number>>,
  isLabelled: boolean,
  random: Random,
): readonly SimulatedFile[] {
  const needsOfTest = (): Needs => {
    const named = (['db', 'port'] as const).filter(() => random.chance(0.3));
    return allNeeds({
      labels: isLabelled && random.chance(0.2) ? ['gpu'] : [],
      resources: named.map((name) => ({ name, units: random.int(1, resources[name] + Number(random.chance(0.01))) })),
    });
  };
  return files.map((file) => ({ ...file, tests: file.tests.map((test) => ({ ...test, needs: needsOfTest() })) }));
}

/** The scenario of the seed, with two runs whose tests share resources. */
export function sharedNeedyScenarioOf(seed: number): Scenario {
  const { rival = [], resources = {}, faults, ...scenario } = needyScenarioOf(seed);
  const { second } = sharedScenarioOf(seed);
  const { db = 1, port = 1 } = resources;
  return {
    ...scenario,
    rival,
    resources,
    // A Redis that loses its data forgets who uses what.
    faults: faults.map((fault) => (fault.kind === 'restart' ? { ...fault, keeps: 'all' } : fault)),
    ...(second && { second: { ...second, files: withNeeds(second.files, { db, port }, false, randomOf(seed, 'second needs')) } }),
  };
}

/** The scenario of the seed, with another run beside its own. */
export function sharedScenarioOf(seed: number): Scenario {
  const scenario = scenarioOf(seed);
  const random = randomOf(seed, 'second');
  const runMs = likelyMs(scenario.files, scenario.agents);
  const startsAt = random.int(0, runMs);
  const second: SecondRun = {
    startsAt,
    priority: random.pick([-1, 0, 0, 1]),
    cancelledAt: random.chance(0.3) ? startsAt + random.int(0, runMs) : null,
    files: filesOf(random, 'calm'),
  };
  return { ...scenario, second };
}

/** The second run of a scenario as a scenario of its own: the same agents and faults, without those that struck a coordinator of the first. */
export function secondOf({ seed, agents, faults, limits, second, resources, rival }: Scenario): Scenario | null {
  if (second === undefined) return null;
  const { files, cancelledAt } = second;
  return {
    seed,
    collect: 'file',
    files,
    agents,
    faults: [
      ...faults.filter(({ kind }) => kind !== 'interrupt' && kind !== 'take-over'),
      ...(cancelledAt === null ? [] : [{ kind: 'interrupt' as const, at: cancelledAt }]),
    ],
    limits: { ...limits, maxfail: 0, crashLimit: 0, deadlineSeconds: null },
    ...(resources && { resources }),
    // It shares its resources as the first run does, and has no rival of its own.
    ...(rival && { rival: [] }),
  };
}

function faultsIn(weather: Weather, random: Random, agents: readonly SimulatedAgent[], runMs: number): readonly Fault[] {
  switch (weather) {
    case 'calm':
      return calmFaults(random, agents, runMs);
    case 'departures':
      return departures(random, agents, runMs);
    case 'storm':
      return stormFaults(random, agents, runMs);
    default:
      return assertNever(weather);
  }
}

function filesOf(random: Random, weather: Weather): readonly SimulatedFile[] {
  const count = random.int(1, random.chance(0.2) ? 16 : 7);
  const failing = random.pick([0, 0, 0.05, 0.3]);
  const odd = weather === 'storm' ? random.pick([0, 0, 0.03, 0.1]) : 0;
  return Array.from({ length: count }, (_, index): SimulatedFile => {
    const name = `dir${index % 3}/test_${index}.py`;
    const isSlow = random.chance(0.15);
    const tests = Array.from({ length: random.int(random.chance(0.1) ? 0 : 1, 6) }, (_each, at): SimulatedTest => {
      const manner = random.chance(odd) ? random.pick(manners) : random.chance(failing / 3) ? 'heals' : 'steady';
      const outcome = random.chance(failing) ? random.pick(['failed', 'error', 'skipped', 'xfailed', 'xpassed']) : 'passed';
      return { id: `${name}::test_${at}`, ms: random.int(1, isSlow ? 4000 : 400), outcome, manner, isSerial: random.chance(0.05) };
    });
    return {
      name,
      collectMs: random.int(1, 200),
      isBroken: random.chance(failing / 6),
      mayBackUp: random.chance(0.8),
      knownAs: random.chance(0.3) ? null : random.pick([0.2, 0.8, 1, 1, 1.2, 3]),
      tests,
    };
  });
}

function agentsOf(random: Random, weather: Weather): readonly SimulatedAgent[] {
  const count = random.int(1, 4);
  const odd = weather === 'storm' ? random.pick([0, 0.1, 0.4]) : 0;
  return Array.from(
    { length: count },
    (_, index): SimulatedAgent => ({
      name: `a${index + 1}`,
      kind: index > 0 && random.chance(odd) ? random.pick(['broken', 'lacking', 'unable', 'foreign']) : 'sound',
      workers: random.int(1, 3),
      startsAt: random.chance(0.25) ? random.int(0, 8000) : 0,
      startMs: random.int(50, 1500),
      skewMs: random.chance(0.3) ? random.int(-60_000, 60_000) : 0,
      slowness: random.chance(0.2) ? random.pick([2, 6]) : 1,
    }),
  );
}

function limitsOf(random: Random, weather: Weather): Limits {
  const isCalm = weather !== 'storm';
  return {
    attemptLimit: random.int(1, 3),
    crashLimit: isCalm ? 0 : random.pick([0, 0, 0, 4]),
    maxfail: isCalm ? 0 : random.pick([0, 0, 0, 0, 1, 3]),
    deadlineSeconds: isCalm || random.chance(0.75) ? null : random.int(4, 40),
    rerunTimes: random.pick([0, 0, 1, 2]),
    waitAgentSeconds: random.int(15, 40),
    testTimeoutSeconds: random.int(6, 15),
    speculate: random.chance(0.5),
  };
}

/** Faults that may only change the duration of a run: a connection often breaks while messages are on their way. */
function calmFaults(random: Random, agents: readonly SimulatedAgent[], runMs: number): readonly Fault[] {
  const faults: Fault[] = [];
  const names: [string, ...string[]] = ['coordinator', 'all', ...agents.map(({ name }) => name)];
  for (let count = random.int(0, 4); count > 0; count -= 1) {
    const [at, of] = [random.int(0, runMs), random.pick(names)];
    if (random.chance(0.7)) faults.push({ kind: 'slow', at, of, forMs: random.int(100, 3000), delayMs: random.int(1, 300) });
    if (random.chance(0.7)) faults.push({ kind: 'break', at: at + random.int(0, 1000), of });
  }
  return faults.sort((left, right) => left.at - right.at);
}

/** Roughly how long the run takes if nothing goes wrong. */
function likelyMs(files: readonly SimulatedFile[], agents: readonly SimulatedAgent[]): number {
  const workMs = files.reduce((sum, { collectMs, tests }) => sum + collectMs + tests.reduce((total, { ms }) => total + ms, 0), 0);
  const workers = agents.reduce((sum, agent) => sum + agent.workers, 0);
  const startMs = Math.min(...agents.map((agent) => agent.startsAt + agent.startMs));
  return Math.ceil(startMs + (1.3 * workMs) / workers);
}

/** All agents but the first leave; what they fetched may be on its way to them when they are asked to. */
function departures(random: Random, agents: readonly SimulatedAgent[], runMs: number): readonly Fault[] {
  return agents
    .slice(1)
    .flatMap(({ name: of, startsAt, startMs }): Fault[] => {
      const at = startsAt + random.int(startMs, startMs + runMs);
      const forMs = at + 1000;
      return [
        { kind: 'slow', at: 0, of, forMs, delayMs: random.int(10, 400) },
        { kind: 'leave', at, of },
      ];
    })
    .sort((left, right) => left.at - right.at);
}

function stormFaults(random: Random, agents: readonly SimulatedAgent[], runMs: number): readonly Fault[] {
  const faults: Fault[] = [];
  const agent = (): string => random.pick(agents.map(({ name }) => name) as [string, ...string[]]);
  const anyone = (): string => (random.chance(0.3) ? 'coordinator' : random.chance(0.2) ? 'all' : agent());
  const at = (): number => random.int(0, random.chance(0.85) ? runMs : 3 * runMs);
  for (let count = random.int(1, 6); count > 0; count -= 1) {
    switch (random.int(0, 10)) {
      case 0:
      case 1:
        faults.push({ kind: 'break', at: at(), of: anyone() });
        break;
      case 2:
        faults.push({ kind: 'cut', at: at(), of: anyone(), forMs: random.int(50, random.chance(0.5) ? 2000 : 20_000) });
        break;
      case 3:
        faults.push({ kind: 'slow', at: at(), of: anyone(), forMs: random.int(100, 6000), delayMs: random.int(1, 800) });
        break;
      case 4:
        faults.push({ kind: 'freeze', at: at(), of: random.chance(0.4) ? 'coordinator' : agent(), forMs: random.int(100, 20_000) });
        break;
      case 5:
        faults.push({ kind: 'kill', at: at(), of: agent(), isSilent: random.chance(0.3) });
        break;
      case 6:
        faults.push({ kind: 'leave', at: at(), of: agent() });
        break;
      case 7: {
        const struckAt = at();
        // A coordinator that is frozen for longer than its lease does not know about the other. One that stays alive keeps the run.
        if (random.chance(0.5))
          faults.push({
            kind: 'freeze',
            at: struckAt,
            of: 'coordinator',
            forMs: random.chance(0.5) ? random.int(100, runMs) : random.int(10_000, 30_000),
          });
        else if (random.chance(0.8)) faults.push({ kind: 'kill', at: struckAt, of: 'coordinator', isSilent: random.chance(0.3) });
        faults.push({ kind: 'take-over', at: struckAt + random.int(1, random.chance(0.7) ? 500 : 6000) });
        break;
      }
      case 8:
        if (random.chance(0.3)) faults.push({ kind: 'interrupt', at: at() });
        break;
      default: {
        const keeps = random.chance(0.4) ? 'all' : random.chance(0.5) ? 'nothing' : random.int(1, 4000);
        faults.push({ kind: 'restart', at: at(), downMs: random.int(1, 4000), keeps });
      }
    }
  }
  return faults.sort((left, right) => left.at - right.at);
}
