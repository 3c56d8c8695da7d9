// Coverage on its way from agents to the report. Its data are opaque to shardline: only the user's own coverage.py reads and combines them.

import type { AgentId, AttemptId, TestFile } from './ids.ts';

/** The options of pytest-cov, in its own terms, after it has read ini files and arguments. */
export interface CoverageOptions {
  /** Packages and directories to measure; null measures everything below the workspace. */
  readonly source: readonly string[] | null;
  readonly config: string;
  readonly branch: boolean | null;
  /** Whether the new data are added to the existing data file. */
  readonly append: boolean;
  /** Kind of report → its path or its style; null leaves the choice to pytest-cov. */
  readonly reports: Readonly<Record<string, string | null>>;
  /** The run fails below this percentage; null sets no limit. */
  readonly failUnder: number | null;
  readonly precision: number;
  /** Whether to write no reports when a test failed. */
  readonly notOnFail: boolean;
}

/**
 * The prefixes of the paths in an agent's data: its workspace, and its installed packages. Both are real absolute paths on the agent and
 * only prefixes here.
 */
export interface CoverageOrigin {
  readonly workspace: string;
  readonly packages: string;
}

/** One data file on its way: `chunks` compressed pieces in Redis. `part` is its number within the agent. */
export interface CoveragePart {
  readonly part: number;
  readonly chunks: number;
  /** The SHA-256 of the compressed data in hexadecimal: a signature of the message covers them too. Earlier versions send none. */
  readonly digest?: string;
}

/** The coverage of one pytest of an agent: complete for `attempts`, incomplete for `lost`. */
export interface KeptCoverage {
  readonly agent: AgentId;
  readonly origin: CoverageOrigin;
  readonly parts: readonly CoveragePart[];
  readonly attempts: readonly AttemptId[];
  readonly lost: readonly AttemptId[];
  /** Why the agent could not send a part of it; null when it sent everything. */
  readonly problem: string | null;
}

/** The coverage of a run. */
export interface ReportedCoverage {
  /** The total as coverage.py rounds it; null when no report was made. */
  readonly percent: number | null;
  readonly failUnder: number | null;
  /** Whether coverage reached the limit. null without a limit, and when data are missing: a part proves nothing about the whole. */
  readonly isMet: boolean | null;
  /** Files whose tests ran with coverage on this agent, and whose data did not arrive. */
  readonly missing: readonly { readonly file: TestFile; readonly agent: AgentId }[];
  /** Other problems, as messages. */
  readonly problems: readonly string[];
  /** coverage.py's warnings, as plain pytest-cov prints them. */
  readonly warnings: readonly string[];
}

/** Whether the total lacks some of the run's coverage. */
export const isPartial = ({ missing, problems }: Pick<ReportedCoverage, 'missing' | 'problems'>): boolean =>
  missing.length + problems.length > 0;

/** Limits of one data file: bytes per chunk, number of chunks, and bytes of the inflated file. Then those of all files of a run. */
export const COVERAGE_LIMITS = {
  chunkBytes: 512 * 1024,
  chunks: 128,
  fileBytes: 512 * 1024 * 1024,
  runParts: 100_000,
  runBytes: 16 * 1024 ** 3,
} as const;
