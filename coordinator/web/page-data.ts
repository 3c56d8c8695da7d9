// What the page in report.html and the dashboard is drawn from: a report in columns and string tables. 100,000 tests as objects would be five times
// the bytes and ten times the objects to read. The page reads it back in page/model.ts.

import type { Verdict } from '../../shared/domain/outcome.ts';
import type { Profile, Report, ReportedAgent, Totals } from '../../shared/domain/report.ts';
import type { ReportedShown } from '../../shared/domain/shown.ts';
import { harmless } from '../../shared/text/safe-text.ts';

/** Instants are milliseconds since `startedAt`, durations milliseconds, both with one decimal; outcomes are places in `outcomes`. */
export interface PageData extends Columns {
  readonly runId: string;
  /** `running` and `ended` are what the dashboard knows of a run: the verdict stands in its report. */
  readonly verdict: Verdict | 'running' | 'ended';
  readonly exitCode: number | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** When the report stood, or what the page's time is while the run is on. */
  readonly finishedAt: number;
  readonly deadline: { readonly seconds: number; readonly reserveSeconds: number; readonly met: boolean } | null;
  readonly totals: Totals;
  readonly profile: Profile | null;
  readonly agents: readonly ReportedAgent[];
  readonly targets: Report['targets'];
  readonly baseline: string | null;
  /** Rows among `tests` that failed and did not in the baseline; null without one. */
  readonly newFailures: readonly number[] | null;
  /** How many of `collectErrors`, the last ones in a report, are of sessions. */
  readonly sessionErrors: number;
  readonly notRun: readonly (readonly [name: string, file: number, reason: string, predictedMs: number])[];
  /** Tests with properties that they recorded: names and values by turns. */
  readonly properties: readonly (readonly [test: number, ...namesAndValues: string[]])[];
  /** null while the run is on. */
  readonly shown: Pick<ReportedShown, 'warnings' | 'deselected' | 'sessions'> | null;
}

/** What a page has of tests. */
export interface Columns {
  readonly files: readonly string[];
  /** Each xdist worker that ran something. */
  readonly lanes: readonly (readonly [agent: string, worker: string])[];
  /** Tracebacks, reasons and captured output, each once. */
  readonly texts: readonly string[];
  readonly tests: TestColumns;
  readonly attempts: AttemptColumns;
  readonly collectErrors: readonly (readonly [file: number, text: number, name: string])[];
}

export interface TestColumns {
  /** Node id without its file and `::`. */
  readonly name: readonly string[];
  readonly file: readonly number[];
  /** 0 where unknown. */
  readonly line: readonly number[];
  readonly outcome: readonly number[];
  readonly ms: readonly number[];
  /** Tests that failed and passed in one run. */
  readonly flaky: readonly number[];
  /** Tests with another number of attempts than one, with that number. */
  readonly attempts: readonly (readonly [test: number, attempts: number])[];
  /** While a run is on: tests that ran again, in order, with what they came to then. A report has the last outcome at once. */
  readonly reruns: readonly (readonly [test: number, outcome: number, ms: number])[];
}

/** Of every test in turn, each of its attempts in turn. */
export interface AttemptColumns {
  readonly lane: readonly number[];
  readonly startedAt: readonly number[];
  readonly ms: readonly number[];
  readonly outcome: readonly number[];
  /** Attempts with a traceback or reason. */
  readonly text: readonly (readonly [attempt: number, text: number])[];
  /** Attempts with captured output: titles and texts by turns. */
  readonly sections: readonly (readonly [attempt: number, ...titlesAndTexts: number[]])[];
}

/** What stands in the place of a file for a pytest that failed at its end. */
export const sessionName = (agent: string): string => `pytest session of ${agent}`;
/** A node id without its file. */
export const nameIn = (nodeid: string, file: string): string =>
  harmless(nodeid.startsWith(`${file}::`) ? nodeid.slice(file.length + 2) : nodeid);
