// What is known of durations from earlier runs.

import type { NodeId, TestFile } from './ids.ts';

/**
 * One file's history in seconds of one xdist worker: `seconds` is all of it, `collectSeconds` its collection, `fixtureSeconds` what its tests share
 * and only the first that needs it pays for (fixtures of module and class), `tests` each test with its own fixtures.
 */
export interface FileTiming {
  readonly seconds: number;
  readonly collectSeconds: number;
  readonly fixtureSeconds: number;
  readonly tests: ReadonlyMap<NodeId, number>;
  /** Tests that failed of late, with the chance that they do again, between 0 and 1. */
  readonly failing: ReadonlyMap<NodeId, number>;
}

export type Timings = ReadonlyMap<TestFile, FileTiming>;

/**
 * All that earlier runs teach. `startSeconds` is the fixed cost of a shard that gets a pytest of its own: from its start to its first test, without
 * collection; null where that was never measured.
 */
export interface History {
  readonly files: Timings;
  readonly startSeconds: number | null;
}
