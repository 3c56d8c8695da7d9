// What one collection of a whole suite has shown: by it a later run may collect file by file.

import type { NodeId, TestFile } from './ids.ts';

export interface FileCensus {
  /** SHA-256 of the file's bytes. */
  readonly content: string;
  /** SHA-256 over what pytest collected from it: ids, marks, order, and what was deselected. */
  readonly digest: string;
}

/** Holds for one key: conftest files, plugins, configuration and options. */
export interface Census {
  /** Hooks, collectors and options that are not proven to be harmless; empty where all are. */
  readonly problems: readonly string[];
  /** What showed that the files depend on each other; null where nothing did. */
  readonly inseparable: string | null;
  /** As in `HowToCollect`. */
  readonly modules: readonly string[];
  /** Did a test need modules that only other test files import? Then workers load them all. */
  readonly preloads: boolean;
  /** Tests that failed when they last ran with the whole list (at most 1,000): that one of them passes by file shows nothing. */
  readonly failed: readonly NodeId[];
  /** A file that could not be collected when the whole list last was; null where all could. */
  readonly uncollected: TestFile | null;
  readonly files: ReadonlyMap<TestFile, FileCensus>;
}
