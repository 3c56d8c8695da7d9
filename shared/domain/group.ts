// A group: the parallel jobs of a CI pipeline that share one run, and their retries.

import type { AgentId, RunId } from './ids.ts';

/** What every job of the group ends with. The job that led writes it once the reports are written. */
export interface GroupVerdict {
  readonly run: RunId;
  readonly exitCode: number;
  /** The verdict in words, on one line. */
  readonly line: string;
  /** Agents whose own results include a failure. */
  readonly failedOn: readonly AgentId[];
  /** Paths and node ids that a retry runs again; null if a retry runs the whole suite. */
  readonly again: readonly string[] | null;
  /** Equal for workspaces with the same files; null if unknown. A retry of other files runs the whole suite. */
  readonly files: string | null;
}

/** The most tests that a retry runs by name. After more failures it runs the whole suite. */
export const MOST_AGAIN = 2000;
