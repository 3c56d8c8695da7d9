// The whole list of a suite's tests, as every xdist worker collects it with `--collect suite`.

import type { NodeId, TestFile } from '../ids.ts';
import type { TestNeeds } from '../needs.ts';

/** `file`: the xdist worker that runs a file collects it, once. `suite`: every worker collects the whole list. */
export const collectModes = ['file', 'suite'] as const;
export type CollectMode = (typeof collectModes)[number];

/** The Python modules that one test file loaded in a collection of the whole list, where no file before it had loaded them. */
export interface Load {
  /** null if no test file loaded them, or none that is part of the run. */
  readonly file: TestFile | null;
  readonly modules: readonly string[];
}

/**
 * `proves`: with `file`, whether anything without a proof that it is harmless restarts the run; with `suite`, whether the collection also
 * shows if a later run may collect by file.
 */
export interface HowToCollect {
  readonly mode: CollectMode;
  readonly proves: boolean;
  /** Test files that each worker imports before its first file, because tests of other files need what they import. */
  readonly companions: readonly TestFile[];
  /** Loads of the last collection of the whole list; empty if unknown. From them a worker finds out if a failed test needs a companion. */
  readonly loads: readonly Load[];
}

/** What shows that the files of a suite depend on each other: collected one by one, they differ from plain pytest's collection. */
export interface Inseparable {
  readonly why: string;
  /** The file of a test that failed for this reason; null if it is not about one test. */
  readonly file: TestFile | null;
  /** The test files beside which that test passes; empty if they are unknown, or too many for every worker to import. */
  readonly companions: readonly TestFile[];
}

/** The user's choices. `auto` collects by file if a proof shows that this gives the same tests. */
export const collectChoices = ['auto', ...collectModes] as const;
export type CollectChoice = (typeof collectChoices)[number];

/**
 * `free`: files may run in any order, and the tests of a file in their own order. `listed`: tests run in the order of the list, which
 * several workers share (a plugin shuffles them). `strict`: one worker runs all of them in that order.
 */
export const listOrders = ['free', 'listed', 'strict'] as const;
export type ListOrder = (typeof listOrders)[number];

/** Consecutive tests of one file in the list. A file may be in several groups. */
export interface ListGroup {
  readonly file: TestFile;
  readonly nodeids: readonly NodeId[];
}

/** The findings of a collection of the whole list, about the suite's hooks and about each file. */
export interface SuiteProof {
  /** Hooks, collectors and options without a proof that they are harmless. */
  readonly problems: readonly string[];
  /** See `FileCensus`. */
  readonly digests: readonly (readonly [TestFile, string])[];
  readonly loads: readonly Load[];
}

export interface SuiteList {
  /** SHA-256 over all tests and their files, in order. */
  readonly hash: string;
  readonly order: ListOrder;
  /** The reason for an order that is not free; null without one. */
  readonly why: string | null;
  /**
   * Index of the first test that belongs to no file. This test and all after it run when every other test has its result. null without such
   * a test.
   */
  readonly tail: number | null;
  /** Files whose tests depend on each other. */
  readonly bound: readonly TestFile[];
  /** Files without a test in the list that still report something: a collection error, or that they skip themselves. */
  readonly others: readonly TestFile[];
  /** The files, in `others` or in the list, that pytest could not collect completely. */
  readonly failed: readonly TestFile[];
  readonly groups: readonly ListGroup[];
  /** The number of tests before pytest's `--sw` deselected any; null without the option. */
  readonly stepwiseCount?: number | null | undefined;
  /** What tests of the list need; absent if no test needs anything. */
  readonly needs?: readonly TestNeeds[] | undefined;
  /** null when the coordinator did not ask the agent for it. */
  readonly proof: SuiteProof | null;
}
