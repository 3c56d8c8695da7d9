// Durations from earlier runs.

import type { NodeId, TestFile } from '../ids.ts';
import type { Needs } from '../needs.ts';

/**
 * One file's history, in seconds of one xdist worker. `seconds` is the total and `collectSeconds` its collection. `fixtureSeconds` is the
 * cost of shared fixtures (module and class scope), which only the first test that needs them pays. `tests` has each test with its own
 * fixtures.
 */
export interface FileTiming {
  readonly seconds: number;
  readonly collectSeconds: number;
  readonly fixtureSeconds: number;
  readonly tests: ReadonlyMap<NodeId, number>;
  /** Tests that failed in one of their last runs. */
  readonly lastRuns: ReadonlyMap<NodeId, LastRuns>;
  /** What its tests need; absent if nothing. */
  readonly needs?: ReadonlyMap<NodeId, Needs>;
}

/**
 * How a test ended in its last runs, the newest last, one letter each: `P` passed, `F` failed, `R` passed when it ran again, `S` skipped.
 * Expected failures count as passed.
 */
export type LastRuns = string;

/** How many runs are kept. */
export const KEPT_RUNS = 10;

export type Timings = ReadonlyMap<TestFile, FileTiming>;
