// What is known of durations from earlier runs.

import type { NodeId, TestFile } from './ids.ts';

/** One file's history in seconds of one xdist worker: `seconds` is all of it (collection and every test), `tests` each test with its fixtures. */
export interface FileTiming {
  readonly seconds: number;
  readonly collectSeconds: number;
  readonly tests: ReadonlyMap<NodeId, number>;
}

export type Timings = ReadonlyMap<TestFile, FileTiming>;
