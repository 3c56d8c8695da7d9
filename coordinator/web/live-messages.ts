// The messages that the dashboard's server sends to its page. Types only: both ends are shardline's own and of the same version.

import type { Columns, PageData } from './page-data.ts';

/** One run in the list of the pool's runs. */
export interface RunLine {
  readonly runId: string;
  readonly isOpen: boolean;
  readonly verdict: PageData['verdict'];
  readonly tests: number;
  readonly failures: number;
}

/** A test that is running. */
export interface RunningTest {
  /** Index in the columns' lanes. */
  readonly lane: number;
  readonly nodeid: string;
  /** Milliseconds since the run's start. */
  readonly startedAt: number;
}

/** The changing part of a run, without its columns, which only grow. */
export type LiveHead = Omit<PageData, keyof Columns> & {
  readonly running: readonly RunningTest[];
  /** null without a note of the run's progress. */
  readonly progress: LiveProgress | null;
  /** The path of report.html, with its machine; null while the run is open, and without a report. */
  readonly report: string | null;
};

export interface LiveProgress {
  readonly filesDone: number;
  readonly files: number;
  /** By the run's forecast, in milliseconds since the run's start; null without one. */
  readonly endsAt: number | null;
}

export type LiveMessage =
  | { readonly kind: 'runs'; readonly runs: readonly RunLine[] }
  /** The run to show, from its beginning. */
  | { readonly kind: 'begin'; readonly head: LiveHead; readonly columns: Columns }
  /** The rows added to the columns since the last message. */
  | { readonly kind: 'more'; readonly head: LiveHead; readonly columns: Columns };
