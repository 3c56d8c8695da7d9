// The unit that the coordinator hands out: selectors, and the shard that lists them.

import type { NodeId, ShardId, TestFile } from './ids.ts';
import type { Needs } from './needs.ts';

/**
 * A whole test file, the tests of a file that the user or a retry names, or a part of a split file. Parts follow from what earlier runs
 * know about the file: tests in `only` may no longer exist, and the part with `only` null takes every test that no other part has,
 * including new ones. With `mayMiss` some of the named tests may no longer exist either.
 */
export type Selector =
  | { readonly kind: 'file'; readonly file: TestFile }
  | { readonly kind: 'tests'; readonly file: TestFile; readonly nodeids: readonly NodeId[]; readonly mayMiss?: boolean | undefined }
  | { readonly kind: 'part'; readonly file: TestFile; readonly only: readonly NodeId[] | null; readonly except: readonly NodeId[] };

/** The unit that the coordinator hands out: an ordered list of selectors with an estimate. */
export interface Shard {
  readonly id: ShardId;
  readonly selectors: readonly Selector[];
  readonly predictedSeconds: number;
  /** Whether it waits until every other shard has its results and then runs alone. */
  readonly runsLast?: boolean | undefined;
  /** What its tests need; absent if nothing. */
  readonly needs?: Needs | undefined;
}

/**
 * The order in which the coordinator hands out shards. `longest` gives the shortest run, `failed-first` starts with recent failures, and
 * `value` starts with the best chance of a failure per second.
 */
export const orders = ['longest', 'failed-first', 'value'] as const;
export type Order = (typeof orders)[number];
