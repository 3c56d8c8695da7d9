// Turns the records of one measured pytest into numbers: phases, tests, fixtures and memory.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import type { MeasuredProcess } from '../../../shared/domain/measuring.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import { sum } from '../../../shared/numbers.ts';

export const measuredPhases = ['start', 'collection', 'tests', 'waiting', 'end'] as const;
export type MeasuredPhase = (typeof measuredPhases)[number];

/**
 * Times are in seconds. `fileSeconds` is the test's share of fixtures of class and module scope, `sessionSeconds` of those of package and
 * session scope.
 */
export interface MeasuredTest {
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly fileSeconds: number;
  readonly sessionSeconds: number;
  readonly line: number | null;
  readonly isSerial: boolean;
}

export interface MeasuredFixture {
  readonly name: string;
  readonly scope: string;
  /** A file of the suite, or the module that defines the fixture. */
  readonly file: string;
  /** The time of all its set-ups, without the fixtures that it requested. */
  readonly seconds: number;
  readonly count: number;
}

export interface Measurement {
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** True if the process was killed before its end; the measurement then covers only the time until that. */
  readonly isPartial: boolean;
  /** Number of processes that collected and ran tests. */
  readonly workers: number;
  readonly dist: string;
  /** Mean of the workers. The phases add up to `seconds`. */
  readonly phases: Readonly<Record<MeasuredPhase, number>>;
  /** Seconds to collect each file, as a mean of the workers that collected it. */
  readonly files: ReadonlyMap<TestFile, number>;
  /** The sum over all workers. */
  readonly collectionWorkerSeconds: number;
  readonly tests: ReadonlyMap<NodeId, MeasuredTest>;
  readonly fixtures: readonly MeasuredFixture[];
  readonly notCollected: readonly string[];
  /** CPU time of the workers and of the child processes that they waited for. */
  readonly cpuSeconds: number;
  /** The highest peak of any worker; 0 if no worker reported its memory. */
  readonly peakRssBytes: number;
  /** The memory of the same worker after collection; 0 if it never finished collecting. */
  readonly collectedRssBytes: number;
}

/** `startedAt` and `endedAt` are in seconds since the epoch. */
export interface Measured {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly isPartial: boolean;
  readonly processes: readonly MeasuredProcess[];
}

export function measurementOf({ startedAt, endedAt, isPartial, processes }: Measured): Measurement {
  const opened = processes.map(({ records }) => records.find(({ kind }) => kind === 'opened'));
  const controller = opened.find((record) => record?.kind === 'opened' && record.workers > 0);
  const workers = processes.filter((_, index) => opened[index] !== controller);
  const collected = new Map<TestFile, number>();
  const collectors = new Map<TestFile, number>();
  const tests = new Map<NodeId, MeasuredTest>();
  const fixtures = new Map<string, MeasuredFixture>();
  const notCollected = new Set<string>();
  for (const { records } of processes) {
    const here = new Set<TestFile>();
    const beganAt = new Map<NodeId, number>();
    for (const record of records) {
      switch (record.kind) {
        case 'file-collected':
          collected.set(record.file, (collected.get(record.file) ?? 0) + record.seconds);
          here.add(record.file);
          break;
        case 'not-collected':
          notCollected.add(record.file);
          break;
        case 'test-began':
          beganAt.set(record.nodeid, record.at);
          break;
        case 'test-ended':
          tests.set(record.nodeid, { ...record, seconds: Math.max(0, record.at - (beganAt.get(record.nodeid) ?? record.at)) });
          break;
        case 'crashed': {
          const lost = { seconds: 0, fileSeconds: 0, sessionSeconds: 0, line: null, isSerial: false };
          tests.set(record.nodeid, { ...lost, ...tests.get(record.nodeid), outcome: 'error' });
          break;
        }
        case 'fixture': {
          const { name, scope, file } = record;
          const key = JSON.stringify([name, scope, file]);
          const known = fixtures.get(key) ?? { name, scope, file, seconds: 0, count: 0 };
          fixtures.set(key, { ...known, seconds: known.seconds + record.seconds, count: known.count + record.count });
          break;
        }
      }
    }
    for (const file of here) collectors.set(file, (collectors.get(file) ?? 0) + 1);
  }
  const spent = workers.map((process) => phasesOf(process, startedAt, endedAt));
  const largest = workers.map(memoryOf).sort((left, right) => right.peak - left.peak)[0] ?? { peak: 0, collected: 0 };
  return {
    seconds: endedAt - startedAt,
    isPartial,
    workers: workers.length,
    dist: controller?.kind === 'opened' ? controller.dist : 'no',
    phases: meanOf(spent),
    files: new Map([...collected].map(([file, seconds]) => [file, seconds / (collectors.get(file) ?? 1)])),
    collectionWorkerSeconds: sum(spent.map(({ collection }) => collection)),
    tests,
    fixtures: [...fixtures.values()].sort((left, right) => right.seconds - left.seconds),
    notCollected: [...notCollected],
    cpuSeconds: sum(
      workers.map(({ records }) => Math.max(0, ...records.map((record) => (record.kind === 'usage' ? record.cpuSeconds : 0)))),
    ),
    peakRssBytes: largest.peak,
    collectedRssBytes: largest.collected,
  };
}

type Phases = Record<MeasuredPhase, number>;

/** A process that did not reach a phase's end counts as in that phase until it was killed. */
function phasesOf({ records }: MeasuredProcess, startedAt: number, endedAt: number): Phases {
  const at = (kind: string): number | undefined => records.find((record) => record.kind === kind)?.at;
  const began = at('collection-began') ?? endedAt;
  const ended = at('collection-ended') ?? endedAt;
  const finishing = at('finishing') ?? endedAt;
  let tests = 0;
  let runningSince: number | null = null;
  for (const record of records) {
    if (record.kind === 'test-began') runningSince = record.at;
    if (record.kind !== 'test-ended' || runningSince === null) continue;
    tests += record.at - runningSince;
    runningSince = null;
  }
  if (runningSince !== null) tests += Math.max(0, finishing - runningSince);
  const start = began - startedAt;
  const collection = ended - began;
  const end = endedAt - finishing;
  return { start, collection, tests, waiting: Math.max(0, endedAt - startedAt - start - collection - tests - end), end };
}

function memoryOf({ records }: MeasuredProcess): { readonly peak: number; readonly collected: number } {
  const usage = records.filter((record) => record.kind === 'usage');
  return { peak: Math.max(0, ...usage.map(({ peakRssBytes }) => peakRssBytes)), collected: usage[0]?.rssBytes ?? 0 };
}

const meanOf = (all: readonly Phases[]): Phases => {
  const mean = (phase: MeasuredPhase): number => (all.length === 0 ? 0 : sum(all.map((each) => each[phase])) / all.length);
  return { start: mean('start'), collection: mean('collection'), tests: mean('tests'), waiting: mean('waiting'), end: mean('end') };
};
