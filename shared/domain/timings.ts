// Durations from earlier runs.

import type { NodeId, TestFile } from './ids.ts';

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
  /** Recently failed tests, each with the probability that it fails again, between 0 and 1. */
  readonly failing: ReadonlyMap<NodeId, number>;
}

export type Timings = ReadonlyMap<TestFile, FileTiming>;
