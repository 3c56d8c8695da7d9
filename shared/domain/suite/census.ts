// The findings of one collection of a whole suite. From them a later run decides whether it may collect file by file.

import type { NodeId, TestFile } from '../ids.ts';
import type { Load } from './suite-list.ts';

export interface FileCensus {
  /** SHA-256 of the file's bytes. */
  readonly content: string;
  /** SHA-256 over pytest's collection of the file: ids, marks, order, and the deselected tests. */
  readonly digest: string;
}

export interface FileContent {
  readonly file: TestFile;
  /** SHA-256 of the file's bytes, in hexadecimal. */
  readonly content: string;
}

/** Valid for one key: conftest files, plugins, configuration and options. */
export interface Census {
  /** Hooks, collectors and options without a proof that they are harmless; empty when all have one. */
  readonly problems: readonly string[];
  /** The reason why the files depend on each other; null when none was found. */
  readonly inseparable: string | null;
  /** The file of a test that failed for this reason; null if the reason is not about one test. */
  readonly inseparableFile: FileContent | null;
  /** Test files whose imports tests of other files need: each worker imports them before its first file. */
  readonly companions: readonly TestFile[];
  /** What the collections of the whole list loaded. */
  readonly loads: readonly Load[];
  /**
   * Tests that failed in their last run with the whole list (at most 1,000). If one of them passes when collected by file, that proves
   * nothing.
   */
  readonly failed: readonly NodeId[];
  /** A file that failed in the last collection of the whole list; null when none did. */
  readonly uncollected: TestFile | null;
  readonly files: ReadonlyMap<TestFile, FileCensus>;
}

/** The loads for a run of these files. A module counts as loaded by its file only if that file is part of the run. */
export const presentLoads = ({ loads }: Census, contents: ReadonlyMap<TestFile, string>): readonly Load[] =>
  loads.map(({ file, modules }) => ({ file: file !== null && contents.has(file) ? file : null, modules }));

/**
 * Forgets why the suite is inseparable if the file of the test that showed it has changed. If the test still fails by file, that run finds
 * the same reason. A file that this run does not contain is no reason to forget anything.
 */
export function forgetFixed(census: Census, contents: ReadonlyMap<TestFile, string>): Census {
  const { inseparableFile: found } = census;
  const content = found === null ? undefined : contents.get(found.file);
  if (content === undefined || content === found?.content) return census;
  return { ...census, inseparable: null, inseparableFile: null };
}
