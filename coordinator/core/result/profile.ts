// Profiles where a run's time went and how close it came to its bound. merge.ts reports the test outcomes.

import { limitOf, NO_NEEDS } from '../../../shared/domain/needs.ts';
import type { Profile, Report, ReportedTest } from '../../../shared/domain/report.ts';
import { sum } from '../../../shared/numbers.ts';
import { atomsOf, isDivisible } from '../plan/split.ts';
import { measureFile } from '../state/measured-file.ts';
import type { FileProgress } from '../state/records.ts';
import { type RunState, testsInOrder } from '../state/run-state.ts';
import { lostSeconds } from '../state/worker-time.ts';
import { breakDown } from './breakdown.ts';

/**
 * `makespanSeconds` is the time from the first shard enqueued to the run's close, by the coordinator's clock. `boundSeconds` is the least
 * it could have been for the work done: max(longest unit that could not be split, Σ seconds of collection and execution ÷ xdist workers, for each
 * resource Σ seconds of its tests × their units ÷ its limit).
 */
export function profile(state: RunState, mergeSeconds: number): Profile {
  const files = [...state.shards.values()].flatMap((record) => [...record.files.values()]);
  const collectionSeconds = sum(files.map((progress) => progress.collectSeconds ?? 0));
  const ran = testsInOrder(state).flatMap(({ accepted }) => (accepted === null ? [] : [accepted.result.seconds]));
  const executionSeconds = sum(ran);
  const sequentialSeconds = collectionSeconds + executionSeconds;
  const closedAt = state.closed?.at ?? state.coordinatorAt;
  const makespanSeconds = secondsBetween(state.firstEnqueuedAt, closedAt);
  const workersOf = new Map([...state.agents.values()].map((agent) => [agent.id, agent.info?.workers ?? 0]));
  const workers = sum([...workersOf.values()]);
  const evenSeconds = sequentialSeconds / Math.max(1, workers);
  const boundSeconds = Math.max(longestUnitSeconds(state, files), evenSeconds, scarcestSeconds(state));
  const efficiency = makespanSeconds > 0 ? boundSeconds / makespanSeconds : 1;
  return {
    ...state.opened.preparation,
    collectionSeconds,
    executionSeconds,
    mergeSeconds,
    makespanSeconds,
    boundSeconds,
    efficiency,
    cpuUtilization: cpuUtilization(state, makespanSeconds),
    timeToFirstTestSeconds: timeToFirstTestSeconds(state),
    sequentialSeconds,
    speedup: makespanSeconds > 0 ? sequentialSeconds / makespanSeconds : 1,
    secondsPerTest: ran.length === 0 ? null : executionSeconds / ran.length,
    breakdown: breakDown({
      startedAt: state.opened.startedAt,
      firstEnqueuedAt: state.firstEnqueuedAt ?? closedAt,
      closedAt,
      collectionSeconds,
      executionSeconds,
      lostSeconds: lostSeconds(state.work, collectionSeconds),
      spans: [...state.work.spans.values()],
      workersOf,
      goneAtOf: new Map(
        [...state.agents.values()].flatMap(({ id, goneAt }) => (goneAt !== null && goneAt < closedAt ? [[id, goneAt]] : [])),
      ),
    }),
    rating: rate(efficiency),
  };
}

/**
 * CPU time of the tests as a share of the time of all xdist workers, over the agents that measured it; above 1 if tests use several CPUs.
 */
function cpuUtilization(state: RunState, makespanSeconds: number): number | null {
  let cpuSeconds = 0;
  let workers = 0;
  for (const { left, info } of state.agents.values()) {
    if (left === null || left.cpuSeconds === null || info === null) continue;
    cpuSeconds += left.cpuSeconds;
    workers += info.workers;
  }
  return workers === 0 || makespanSeconds === 0 ? null : cpuSeconds / (makespanSeconds * workers);
}

/** The word for an efficiency: excellent from 0.85, good from 0.7, fair from 0.5, poor below. */
export function rate(efficiency: number): Profile['rating'] {
  if (efficiency >= 0.85) return 'excellent';
  if (efficiency >= 0.7) return 'good';
  return efficiency >= 0.5 ? 'fair' : 'poor';
}

/**
 * The longest unit: a file, or a whole set of files that stay together. A divisible file counts its longest indivisible part, whether it
 * was split this time or not.
 */
function longestUnitSeconds(state: RunState, files: readonly FileProgress[]): number {
  const { affinity } = state.opened;
  const setOf = new Map(affinity.together.flatMap((set) => set.map((file) => [file, set] as const)));
  const secondsOf = new Map<unknown, number>();
  for (const [file, parts] of Map.groupBy(files, (progress) => progress.file)) {
    const measured = measureFile(parts);
    if (measured === null) continue;
    const overhead = measured.collectSeconds + measured.fixtureSeconds;
    const unit = setOf.get(file) ?? file;
    const atoms = isDivisible(file, measured, affinity) ? [...atomsOf(measured.tests, affinity.unit).values()] : null;
    const testSeconds = atoms === null ? sum([...measured.tests.values()]) : longestOf(atoms);
    secondsOf.set(unit, (secondsOf.get(unit) ?? 0) + overhead + testSeconds);
  }
  return longestOf([...secondsOf.values()]);
}

/** How long the scarcest resource was in use if all of its units always were. A test uses what the shard that ran it held. */
function scarcestSeconds({ tests, attempts, shards, opened }: RunState): number {
  const inUse = new Map<string, number>();
  for (const { accepted } of tests.values()) {
    const attempt = accepted === null ? undefined : attempts.get(accepted.attempt);
    const { resources } = (attempt === undefined ? undefined : shards.get(attempt.shard)?.shard.needs) ?? NO_NEEDS;
    for (const { name, units } of resources) inUse.set(name, (inUse.get(name) ?? 0) + (accepted?.result.seconds ?? 0) * units);
  }
  return longestOf([...inUse].map(([name, seconds]) => seconds / limitOf(opened.resources, name)));
}

const longestOf = (values: readonly number[]): number => values.reduce((longest, seconds) => Math.max(longest, seconds), 0);

/** Seconds from the command's start; never negative, because clocks agree only to a few milliseconds. */
function timeToFirstTestSeconds(state: RunState): number | null {
  let firstAt = Number.POSITIVE_INFINITY;
  for (const { accepted } of state.tests.values()) if (accepted !== null) firstAt = Math.min(firstAt, accepted.result.startedAt);
  return Number.isFinite(firstAt) ? secondsBetween(state.opened.startedAt, firstAt) : null;
}

const secondsBetween = (from: number | null, to: number): number => (from === null ? 0 : Math.max(0, to - from) / 1000);

/** Shorter runs get no advice: it would save seconds. */
const LEAST_ADVISED_SECONDS = 30;
/** From this share of its time on, something is busy. */
const BUSY = 0.85;
/** At this share of the processors' time, tests wait for something else. */
const WAITING = 0.5;
/** Reports round seconds. */
const ROUNDING = 1.01;
/** One test sets the bound if it takes this share of it. */
const NEARLY = 0.9;
/** xdist workers beyond this number cost more memory and start-up than they save. */
const MOST_WORKERS = 16;

/** Names what would make the next run faster: more workers than cores if the tests wait, and more agents if the processors are busy all the time; null where neither is clear. */
export function adviceOf(report: Report): string | null {
  const { agents, totals } = report;
  const { cpuUtilization: cpu, efficiency, makespanSeconds } = report.profile;
  const working = agents.filter(({ workers }) => workers > 0);
  if (cpu === null || totals.notRun > 0 || makespanSeconds < LEAST_ADVISED_SECONDS || working.length === 0) return null;
  // More workers or agents do not shorten the longest piece.
  const evenSeconds = report.profile.sequentialSeconds / sum(working.map((agent) => agent.workers));
  if (report.profile.boundSeconds > ROUNDING * evenSeconds || boundingTest(report) !== null) return null;
  const workers = Math.max(...working.map((agent) => agent.workers));
  const more = Math.min(MOST_WORKERS, 2 * workers, Math.round(workers / Math.max(cpu, 0.01)));
  const percent = `CPU ${(cpu * 100).toFixed(0)} %`;
  if (cpu < WAITING && efficiency >= WAITING && more > workers) {
    return `Tests wait (${percent}). Fix: \`${startCommand(report)} -n ${more}\``;
  }
  return cpu >= BUSY && efficiency >= BUSY ? `Tests are busy (${percent}). Fix: add agents, or use a machine with more cores` : null;
}

/** The test that alone takes nearly all of the least time that the run could have taken; null if there is none, or if something else cost more. */
export function boundingTest({ profile, tests }: Pick<Report, 'profile' | 'tests'>): ReportedTest | null {
  const [first, ...others] = tests;
  if (first === undefined || profile.efficiency < WAITING) return null;
  const slowest = others.reduce((most, test) => (test.seconds > most.seconds ? test : most), first);
  return slowest.seconds >= NEARLY * profile.boundSeconds ? slowest : null;
}

/** The names of agents that a run starts itself. */
export const LOCAL_AGENT = /^(\d{8}-\d{6}-\w+-)?(r\d+-)?a\d+$/;

/** The command that sets the number of workers. */
function startCommand({ agents, origin }: Pick<Report, 'agents' | 'origin'>): string {
  if (origin?.command.startsWith('shardline ci')) return 'shardline ci';
  return agents.every(({ id }) => LOCAL_AGENT.test(id)) ? 'shardline run' : 'shardline agent';
}
