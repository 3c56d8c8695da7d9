// What is handed out: selectors, and the shard that lists them.

import type { NodeId, ShardId, TestFile } from './ids.ts';

/**
 * A whole test file, the tests of it that the user or a retry names, or a part of a file that is split. Parts are made from what earlier runs
 * knew of the file: of `only` some may be gone by now, and the part with `only` null takes whatever no other part has, new tests too. With `mayMiss`
 * some of the named tests may be gone too.
 */
export type Selector =
  | { readonly kind: 'file'; readonly file: TestFile }
  | { readonly kind: 'tests'; readonly file: TestFile; readonly nodeids: readonly NodeId[]; readonly mayMiss?: boolean | undefined }
  | { readonly kind: 'part'; readonly file: TestFile; readonly only: readonly NodeId[] | null; readonly except: readonly NodeId[] };

/** The unit that is handed out: an ordered list of selectors with an estimate. */
export interface Shard {
  readonly id: ShardId;
  readonly selectors: readonly Selector[];
  readonly predictedSeconds: number;
  /** Does it wait until every other shard has its results? Then it runs alone. */
  readonly runsLast?: boolean | undefined;
}
