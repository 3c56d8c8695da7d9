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

/** What one agent of the pool does, and what it says of itself. */
export interface AgentLine {
  readonly id: string;
  readonly state: 'waiting' | 'busy' | 'draining';
  /** The runs that it serves, each with the shards that it runs or has queued. */
  readonly runs: readonly { readonly runId: string; readonly shards: number }[];
  /** Runs beyond those in `runs`. */
  readonly moreRuns: number;
  /** null if this version cannot read them. */
  readonly facts: {
    readonly host: string;
    /** xdist workers; 0 if only pytest knows. */
    readonly workers: number;
    readonly cpus: number;
    readonly memoryBytes: number;
    readonly labels: readonly string[];
    /** Labels beyond those in `labels`. */
    readonly moreLabels: number;
    readonly version: string;
    readonly commit: string | null;
    /** null unless it drains. */
    readonly leavesWithinSeconds: number | null;
  } | null;
}

/** The agents that are alive. */
export interface PoolAgents {
  readonly pool: string;
  readonly busy: number;
  readonly waiting: number;
  readonly draining: number;
  /** The first of them by name. */
  readonly agents: readonly AgentLine[];
}

export type LiveMessage =
  /** `isOld` if Redis has not answered for a while. */
  | { readonly kind: 'pool'; readonly pool: PoolAgents; readonly isOld: boolean }
  | { readonly kind: 'runs'; readonly runs: readonly RunLine[] }
  /** The run to show, from its beginning. */
  | { readonly kind: 'begin'; readonly head: LiveHead; readonly columns: Columns }
  /** The rows added to the columns since the last message. */
  | { readonly kind: 'more'; readonly head: LiveHead; readonly columns: Columns };
