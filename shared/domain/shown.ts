// What pytest shows besides the results of tests: warnings, sections of plugins, its header, and how many tests were deselected. Values only.

import type { AgentId, NodeId, TestFile } from './ids.ts';

/** Equal warnings of one test or one process. `file` is relative to the rootdir where it lies below it; `line` is 0 where unknown. */
export interface CountedWarning {
  readonly category: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly count: number;
}

/** What `record_property` recorded. */
export interface Property {
  readonly name: string;
  readonly value: string;
}

/** What a plugin or a conftest printed at pytest's end. `title` names the plugin, or the conftest's path. */
export interface ShownSection {
  readonly title: string;
  readonly text: string;
}

/** What pytest's own options ask it to show at its end. */
export interface AskedFor {
  /** The letters of `-r` as pytest resolves them; `w` for warnings. */
  readonly outcomes: string;
  /** `--durations`: how many, 0 for all; null without it. */
  readonly durations: number | null;
  /** `--durations-min`. */
  readonly leastSeconds: number;
}

/** What one agent's pytest showed. What a later one says of its header takes the place of what an earlier one said. */
export interface Shown {
  readonly header: { readonly lines: readonly string[]; readonly asked: AskedFor } | null;
  readonly sections: readonly ShownSection[];
  /** Warnings outside of tests, such as those of an import, with the largest count that one process had so far. `nodeid`: of a teardown after this test. */
  readonly warnings: readonly { readonly nodeid: NodeId | null; readonly warning: CountedWarning }[];
  /** How many tests of a file were deselected, for each collection alike. */
  readonly deselected: readonly { readonly file: TestFile; readonly count: number }[];
}

/** One distinct warning of a run, as pytest's summary has it. */
export interface ReportedWarning extends CountedWarning {
  /** Where it came up: tests, else `file:line`; files of tests with their counts where there are ten or more. */
  readonly places: readonly { readonly place: string; readonly count: number }[];
}

/** What one agent's pytest printed at its start and at its end. */
export interface ReportedSession {
  readonly agent: AgentId;
  /** Versions, rootdir, configuration file, plugins, and what plugins add, such as a seed; empty where the agent did not come to it. */
  readonly header: readonly string[];
  readonly sections: readonly ShownSection[];
}

/** The part of a report that is no result. */
export interface ReportedShown {
  readonly warnings: readonly ReportedWarning[];
  /** How many tests pytest's options, or the suite itself, left out after they were collected. */
  readonly deselected: number;
  readonly sessions: readonly ReportedSession[];
  /** null where no pytest started. */
  readonly asked: AskedFor | null;
}

export const NOTHING_SHOWN: ReportedShown = { warnings: [], deselected: 0, sessions: [], asked: null };

export const warningCount = ({ warnings }: Pick<ReportedShown, 'warnings'>): number => warnings.reduce((sum, { count }) => sum + count, 0);
