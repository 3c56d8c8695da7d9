// What the dashboard's server tells its page, message by message. Types only: both sides of the wire are ours, and of one version.

import type { Columns, PageData } from './page-data.ts';

/** One run in the list of the pool's runs. */
export interface RunLine {
  readonly runId: string;
  readonly isOpen: boolean;
  readonly tests: number;
  readonly failures: number;
}

/** A test that runs now. */
export interface RunningTest {
  /** Place in the columns' lanes. */
  readonly lane: number;
  readonly nodeid: string;
  /** Milliseconds since the run's start. */
  readonly startedAt: number;
}

/** What changes of a run, without its columns, which only grow. */
export type LiveHead = Omit<PageData, keyof Columns> & { readonly running: readonly RunningTest[] };

export type LiveMessage =
  | { readonly kind: 'runs'; readonly runs: readonly RunLine[] }
  /** The run to show, from its beginning. */
  | { readonly kind: 'begin'; readonly head: LiveHead; readonly columns: Columns }
  /** What came since the last message: the columns' ends. */
  | { readonly kind: 'more'; readonly head: LiveHead; readonly columns: Columns };
