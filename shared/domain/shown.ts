// pytest's output besides the results of tests: warnings, plugins' sections, its header, and the number of deselected tests. Values only.

import type { AgentId, NodeId, TestFile } from './ids.ts';

/** Equal warnings of one test or one process. `file` is relative to the rootdir if it is below it; `line` is 0 when unknown. */
export interface CountedWarning {
  readonly category: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly count: number;
}

/** One property that `record_property` recorded. */
export interface Property {
  readonly name: string;
  readonly value: string;
}

/** The output of a plugin or a conftest at pytest's end. `title` names the plugin or the conftest's path. */
export interface ShownSection {
  readonly title: string;
  readonly text: string;
}

/** The output that pytest's own options request at its end. */
export interface AskedFor {
  /** The letters of `-r` as pytest resolves them; `w` means warnings. */
  readonly outcomes: string;
  /** The number of `--durations`, 0 for all; null without the option. */
  readonly durations: number | null;
  /** The value of `--durations-min`, in seconds. */
  readonly leastSeconds: number;
}

/** The output of one agent's pytest. A later header replaces an earlier one. */
export interface Shown {
  readonly header: { readonly lines: readonly string[]; readonly asked: AskedFor } | null;
  readonly sections: readonly ShownSection[];
  /**
   * Warnings outside tests, for example from an import, each with the largest count of one process so far. `nodeid` is set for a teardown
   * after this test.
   */
  readonly warnings: readonly { readonly nodeid: NodeId | null; readonly warning: CountedWarning }[];
  /** The number of deselected tests per file. Every collection reports the same number. */
  readonly deselected: readonly { readonly file: TestFile; readonly count: number }[];
}

/** One distinct warning of a run, as in pytest's summary. */
export interface ReportedWarning extends CountedWarning {
  /** The places of the warning: tests, or `file:line`. With ten or more places, test files with their counts. */
  readonly places: readonly { readonly place: string; readonly count: number }[];
}

/** The output of one agent's pytest at its start and at its end. */
export interface ReportedSession {
  readonly agent: AgentId;
  /** Versions, rootdir, configuration file, plugins, and plugins' own lines such as a seed; empty when the agent did not get that far. */
  readonly header: readonly string[];
  readonly sections: readonly ShownSection[];
}

/** The part of a report besides results. */
export interface ReportedShown {
  readonly warnings: readonly ReportedWarning[];
  /** The number of tests that pytest's options or the suite itself deselected after collection. */
  readonly deselected: number;
  readonly sessions: readonly ReportedSession[];
  /** null when no pytest started. */
  readonly asked: AskedFor | null;
}

export const NOTHING_SHOWN: ReportedShown = { warnings: [], deselected: 0, sessions: [], asked: null };

export const warningCount = ({ warnings }: Pick<ReportedShown, 'warnings'>): number => warnings.reduce((sum, { count }) => sum + count, 0);
