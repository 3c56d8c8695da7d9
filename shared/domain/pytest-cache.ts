// pytest's own cache as values: what `--lf`, `--ff`, `--nf` and `--sw` keep from one run to the next.

import type { TestFile } from './ids.ts';

/** Options of pytest's `--stepwise`; `skip` ignores the first failure, `reset` forgets where the last run stopped. */
export interface Stepwise {
  readonly skip: boolean;
  readonly reset: boolean;
}

/** Where `--sw` stopped last, as pytest 8.4 and later write it. */
export interface StepwiseRecord {
  readonly last_failed: string | null;
  readonly last_test_count: number | null;
  readonly last_cache_date_str: string;
}

/** Before pytest 8.4 the node id alone; null where nothing is known. */
export type StepwiseValue = string | StepwiseRecord | null;

/** What pytest would read from its cache directory. */
export interface CacheValues {
  /** Tests, files and directories that failed last, in the order that pytest keeps. */
  readonly lastfailed: readonly string[];
  /** Every test that pytest has seen. */
  readonly nodeids: readonly string[];
  readonly stepwise: StepwiseValue;
}

/** What discovery finds of a workspace's cache. */
export interface FoundCache {
  /** An absolute path. */
  readonly directory: string;
  /** Does an option read it? */
  readonly isUsed: boolean;
  /** null without `--sw`. */
  readonly stepwise: Stepwise | null;
}

/** What a run keeps of it for its end. `pytest` is the version that decides the form; `files` are the test files in pytest's order. */
export interface RunCache extends Omit<FoundCache, 'isUsed'> {
  readonly pytest: string;
  readonly files: readonly TestFile[];
}

/** How many failures end a run; 0 means no limit. `--sw` stops at the first, with `--sw-skip` at the second. */
export function failureLimit(maxfail: number, stepwise: Stepwise | null): number {
  if (stepwise === null) return maxfail;
  const limit = stepwise.skip ? 2 : 1;
  return maxfail === 0 ? limit : Math.min(maxfail, limit);
}
