// The whole list of a suite's tests, as every xdist worker collects it with `--collect suite`.

import type { NodeId, TestFile } from './ids.ts';

/** Each file collected once, by the xdist worker that runs it, or the whole list collected by every worker. */
export const collectModes = ['file', 'suite'] as const;
export type CollectMode = (typeof collectModes)[number];

/**
 * `proves`: by file, whether anything that is not proven to be harmless restarts the run; with the whole list, whether its collection also shows if a
 * later run may collect by file. `modules`: Python modules that the whole list loaded when it was last collected, in that order; empty where that is not
 * known. `preloads`: by file, every worker loads them before its first file.
 */
export interface HowToCollect {
  readonly mode: CollectMode;
  readonly proves: boolean;
  readonly modules: readonly string[];
  readonly preloads: boolean;
}

/** What a user may ask for. `auto`: by file where that is shown to give the same tests. */
export const collectChoices = ['auto', ...collectModes] as const;
export type CollectChoice = (typeof collectChoices)[number];

/**
 * `free`: files may run in any order, each of them in its own. `listed`: tests run in the order of the list, which several workers share (a plugin
 * shuffles them). `strict`: one worker runs all of them in that order.
 */
export const listOrders = ['free', 'listed', 'strict'] as const;
export type ListOrder = (typeof listOrders)[number];

/** Neighbours in the list that are of one file. A file may be in several groups. */
export interface ListGroup {
  readonly file: TestFile;
  readonly nodeids: readonly NodeId[];
}

/** What the collection of a whole list showed of the suite's hooks, and what each file holds. */
export interface SuiteProof {
  /** Hooks, collectors and options that are not proven to be harmless. */
  readonly problems: readonly string[];
  /** As in `FileCensus`. */
  readonly digests: readonly (readonly [TestFile, string])[];
  /** As in `HowToCollect`. */
  readonly modules: readonly string[];
}

export interface SuiteList {
  /** SHA-256 over all tests and their files, in order. */
  readonly hash: string;
  readonly order: ListOrder;
  /** What asks for an order that is not free; null where nothing does. */
  readonly why: string | null;
  /** Index of the first test that belongs to no file: it and all behind it run when every other test has its result. null without one. */
  readonly tail: number | null;
  /** Files whose tests depend on each other. */
  readonly bound: readonly TestFile[];
  /** Files without a test in the list that have something to report: an error of their collection, or that they skip themselves. */
  readonly others: readonly TestFile[];
  /** Those of `others`, and files of the list, that could not be collected, or not all of them. */
  readonly failed: readonly TestFile[];
  readonly groups: readonly ListGroup[];
  /** How many tests there were before pytest's `--sw` deselected any; null without it. */
  readonly stepwiseCount?: number | null | undefined;
  /** null where the agent was not asked for it. */
  readonly proof: SuiteProof | null;
}
