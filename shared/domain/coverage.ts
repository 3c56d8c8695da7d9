// Coverage on its way from agents to the report. Its data are opaque here: only the user's own coverage.py reads and combines them.

import type { AgentId, AttemptId, TestFile } from './ids.ts';

/** What pytest-cov was asked for, after ini files and arguments, in its own words. */
export interface CoverageOptions {
  /** Packages and directories to measure; null for all below the workspace. */
  readonly source: readonly string[] | null;
  readonly config: string;
  readonly branch: boolean | null;
  /** Do these data join those that lie there? */
  readonly append: boolean;
  /** Kind of report → where it goes, or how it is shown; null for pytest-cov's own choice. */
  readonly reports: Readonly<Record<string, string | null>>;
  /** Percent below which the run fails; null without such a limit. */
  readonly failUnder: number | null;
  readonly precision: number;
  /** Are no reports made where a test failed? */
  readonly notOnFail: boolean;
}

/** Where the paths of an agent's data begin: its workspace, and its installed packages. Real absolute paths there, mere prefixes here. */
export interface CoverageOrigin {
  readonly workspace: string;
  readonly packages: string;
}

/** One data file on its way: `chunks` pieces in Redis, compressed. `part` counts the agent's. */
export interface CoveragePart {
  readonly part: number;
  readonly chunks: number;
}

/** What one pytest of an agent measured. All of it is here for `attempts`; something of `lost` is not. */
export interface KeptCoverage {
  readonly agent: AgentId;
  readonly origin: CoverageOrigin;
  readonly parts: readonly CoveragePart[];
  readonly attempts: readonly AttemptId[];
  readonly lost: readonly AttemptId[];
  /** Why something could not be sent, in words; null where all was. */
  readonly problem: string | null;
}

/** What a run's coverage came to. */
export interface ReportedCoverage {
  /** The total as coverage.py rounds it; null where no report was made. */
  readonly percent: number | null;
  readonly failUnder: number | null;
  /** Was the limit reached? null where nobody set one, and where something is missing: a part says nothing of the whole. */
  readonly isMet: boolean | null;
  /** Files whose tests ran on this agent with coverage that did not arrive. */
  readonly missing: readonly { readonly file: TestFile; readonly agent: AgentId }[];
  /** What else went wrong, in words. */
  readonly problems: readonly string[];
  /** What coverage.py had to say that is no defect, as it says to plain pytest-cov. */
  readonly warnings: readonly string[];
}

/** Is some of a run's coverage not in its total? */
export const isPartial = ({ missing, problems }: Pick<ReportedCoverage, 'missing' | 'problems'>): boolean =>
  missing.length + problems.length > 0;

/** Bounds of one data file: what a chunk carries, how many there are at most, and what they may come to when they are inflated. */
export const COVERAGE_LIMITS = { chunkBytes: 512 * 1024, chunks: 128, fileBytes: 512 * 1024 * 1024 } as const;
