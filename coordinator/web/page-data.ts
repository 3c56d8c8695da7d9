// The data that the page in report.html and the dashboard is drawn from: a report in columns and string tables. 100,000 tests as objects
// would take five times the bytes and give the page ten times the objects to read. The page reads it in browser/model.ts.

import type { Verdict } from '../../shared/domain/outcome.ts';
import type { Profile, Report, ReportedAgent, Totals } from '../../shared/domain/report.ts';
import type { ReportedShown } from '../../shared/domain/shown.ts';
import { harmless } from '../../shared/text/safe-text.ts';

/** Instants are milliseconds since `startedAt`, durations are milliseconds, both with one decimal. Outcomes are indexes in `outcomes`. */
export interface PageData extends Columns {
  readonly runId: string;
  /** The dashboard uses `running` and `ended`, because only the report has the verdict. */
  readonly verdict: Verdict | 'running' | 'ended';
  readonly exitCode: number | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** When the report was made or, while the run is on, the time of this data. */
  readonly finishedAt: number;
  /** What was tested, on what: project, branch, commit, Python and versions, as short texts; empty while the run is on. */
  readonly about: readonly string[];
  /** What to do next, as short texts with commands in backquotes; usually empty for a passed run. */
  readonly next: readonly string[];
  /** The command as typed; empty if it is unknown. */
  readonly command: string;
  /** The address of the CI job's page; null outside CI. */
  readonly job: string | null;
  /**
   * The agents whose work `shardline replay` can repeat: the folder of the run's events, and the agent's name there. The folder `.` is the
   * folder of this page.
   */
  readonly recorded: readonly (readonly [agent: string, folder: string, own: string])[];
  /** `atMs` is the instant of the deadline. */
  readonly deadline: { readonly seconds: number; readonly reserveSeconds: number; readonly atMs: number; readonly met: boolean } | null;
  readonly totals: Totals;
  readonly profile: Profile | null;
  readonly agents: readonly ReportedAgent[];
  readonly targets: Report['targets'];
  readonly baseline: string | null;
  /** Rows among `tests` that failed and did not fail in the baseline; null without a baseline. */
  readonly newFailures: readonly number[] | null;
  /** How many of `collectErrors` are errors of sessions. In a report these come last. */
  readonly sessionErrors: number;
  /** See `Report.partProblems`, and `Report.missingMessages` in words. */
  readonly partProblems: readonly string[];
  readonly notRun: readonly (readonly [name: string, file: number, reason: string, predictedMs: number])[];
  /** Shards that waited for an agent with a label, or for a resource; empty while the run is on. */
  readonly waits: readonly (readonly [shard: string, what: string, fromMs: number, ms: number])[];
  /** Tests that recorded properties, with alternating names and values. */
  readonly properties: readonly (readonly [test: number, ...namesAndValues: string[]])[];
  /** Rows among `tests` that were unstable in the last runs; see `LastRuns`. */
  readonly unstable: readonly (readonly [test: number, lastRuns: string])[];
  /** What the slowest of `tests` took in earlier runs, in milliseconds. */
  readonly usualMs: readonly (readonly [test: number, ms: number])[];
  /** null while the run is on. */
  readonly shown: Pick<ReportedShown, 'warnings' | 'deselected' | 'sessions'> | null;
}

/** A page's data about tests. */
export interface Columns {
  readonly files: readonly string[];
  /** Each xdist worker that ran something. */
  readonly lanes: readonly (readonly [agent: string, worker: string])[];
  /** Tracebacks, reasons and captured output, each stored once. */
  readonly texts: readonly string[];
  readonly tests: TestColumns;
  readonly attempts: AttemptColumns;
  readonly collectErrors: readonly (readonly [file: number, text: number, name: string])[];
}

export interface TestColumns {
  /** Node id without its file and `::`. */
  readonly name: readonly string[];
  readonly file: readonly number[];
  /** 0 if unknown. */
  readonly line: readonly number[];
  readonly outcome: readonly number[];
  readonly ms: readonly number[];
  /** Tests that failed and passed in one run. */
  readonly flaky: readonly number[];
  /** Tests whose number of attempts is not one, with that number. */
  readonly attempts: readonly (readonly [test: number, attempts: number])[];
  /** While a run is on: tests that ran again, in order, with their new outcome. A report has the final outcome instead. */
  readonly reruns: readonly (readonly [test: number, outcome: number, ms: number])[];
}

/** The attempts of all tests, in the order of the tests and then of the attempts. */
export interface AttemptColumns {
  readonly lane: readonly number[];
  readonly startedAt: readonly number[];
  readonly ms: readonly number[];
  readonly outcome: readonly number[];
  /** Attempts with a traceback or reason. */
  readonly text: readonly (readonly [attempt: number, text: number])[];
  /** Attempts with captured output, as alternating titles and texts. */
  readonly sections: readonly (readonly [attempt: number, ...titlesAndTexts: number[]])[];
}

/** The name used in place of a file for a pytest session that failed at its end. */
export const sessionName = (agent: string): string => `pytest session of ${agent}`;
/** Returns a node id without its file. */
export const nameIn = (nodeid: string, file: string): string =>
  harmless(nodeid.startsWith(`${file}::`) ? nodeid.slice(file.length + 2) : nodeid);
