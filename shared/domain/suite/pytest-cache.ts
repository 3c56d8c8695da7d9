// pytest's own cache as values: the data that `--lf`, `--ff`, `--nf` and `--sw` keep from one run to the next.

import type { TestFile } from '../ids.ts';

/** The options of pytest's `--stepwise`: `skip` ignores the first failure, `reset` forgets where the last run stopped. */
export interface Stepwise {
  readonly skip: boolean;
  readonly reset: boolean;
}

/** The test at which `--sw` last stopped, in the format of pytest 8.4 and later. */
export interface StepwiseRecord {
  readonly last_failed: string | null;
  readonly last_test_count: number | null;
  readonly last_cache_date_str: string;
}

/** The plain node id is the format before pytest 8.4; null when nothing is recorded. */
export type StepwiseValue = string | StepwiseRecord | null;

/** The values that pytest reads from its cache directory. */
export interface CacheValues {
  /** Tests, files and directories that failed last, in pytest's order. */
  readonly lastfailed: readonly string[];
  /** Every test that pytest has seen. */
  readonly nodeids: readonly string[];
  readonly stepwise: StepwiseValue;
}

/** The cache that discovery found in a workspace. */
export interface FoundCache {
  /** An absolute path. */
  readonly directory: string;
  /** Whether an option reads it. */
  readonly isUsed: boolean;
  /** null without `--sw`. */
  readonly stepwise: Stepwise | null;
}

/**
 * The part that a run keeps until its end. `pytest` is the version that decides the format; `files` are the test files in pytest's order.
 */
export interface RunCache extends Omit<FoundCache, 'isUsed'> {
  readonly pytest: string;
  readonly files: readonly TestFile[];
}

/** The number of failures that end a run; 0 sets no limit. `--sw` stops at the first failure, with `--sw-skip` at the second. */
export function failureLimit(maxfail: number, stepwise: Stepwise | null): number {
  if (stepwise === null) return maxfail;
  const limit = stepwise.skip ? 2 : 1;
  return maxfail === 0 ? limit : Math.min(maxfail, limit);
}
