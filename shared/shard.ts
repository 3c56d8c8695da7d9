// What is handed out: selectors, and the shard that lists them.

import type { NodeId, ShardId, TestFile } from './ids.ts';

/** A whole test file, or some tests of it where a file is split. */
export type Selector =
  | { readonly kind: 'file'; readonly file: TestFile }
  | { readonly kind: 'tests'; readonly file: TestFile; readonly nodeids: readonly NodeId[] };

/** The unit that is handed out: an ordered list of selectors with an estimate. */
export interface Shard {
  readonly id: ShardId;
  readonly selectors: readonly Selector[];
  readonly predictedSeconds: number;
}
