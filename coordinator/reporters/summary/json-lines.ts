// The end of a run for scripts and coding agents: one JSON object on each line. docs/report.md describes them; they are public interface.

import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Report, ReportedTest } from '../../../shared/domain/report.ts';
import { briefOf, sumUp } from '../../../shared/text/brief.ts';
import { oneLine } from '../../../shared/text/safe-text.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import { notRunText } from '../../core/result/ending-text.ts';
import { splitErrors } from '../../core/result/late-errors.ts';
import type { Places } from '../../report-places.ts';

/** A reader that knows version 1 can read every later line with the same `kind`: fields are only added. */
export const LINES_VERSION = 1;

export type ReportLine =
  | {
      readonly kind: 'failure';
      readonly nodeid: string;
      readonly outcome: 'failed' | 'error';
      readonly file: string;
      /** From 1; null if unknown. */
      readonly line: number | null;
      /** One line: how the compared values differ, or pytest's own line about the failure. */
      readonly message: string;
      readonly agent: string | null;
      /** Runs this test alone, with pytest. */
      readonly command: string;
      /** Runs again what this test's worker ran, in the same order; null if that is unknown, or the events were not kept. */
      readonly replay: string | null;
    }
  | { readonly kind: 'error'; readonly nodeid: string | null; readonly message: string; readonly command: string | null }
  | { readonly kind: 'flaky'; readonly nodeid: string; readonly attempts: number; readonly message: string }
  | { readonly kind: 'not-run'; readonly nodeid: string; readonly tests: number | null; readonly reason: string }
  | {
      readonly kind: 'verdict';
      readonly version: typeof LINES_VERSION;
      readonly run: string;
      readonly verdict: string;
      readonly exitCode: number;
      readonly seconds: number;
      readonly totals: Readonly<Record<'passed' | 'failed' | 'error' | 'skipped' | 'xfailed' | 'xpassed' | 'flaky' | 'notRun', number>>;
      /** The files that were written. */
      readonly files: readonly string[];
    };

/** The verdict is the last line. */
export function reportLines(report: Report, files: readonly string[], places: Pick<Places, 'recorded'>): readonly ReportLine[] {
  const { collecting, late } = splitErrors(report);
  return [
    ...[...collecting, ...late].map(
      ({ nodeid, message }): ReportLine => ({
        kind: 'error',
        nodeid,
        message: oneLine(briefOf(message)),
        command: shellCommand(['pytest', nodeid]),
      }),
    ),
    ...report.sessionErrors.map(
      ({ message }): ReportLine => ({ kind: 'error', nodeid: null, message: oneLine(briefOf(message)), command: null }),
    ),
    ...report.tests.filter(({ outcome }) => isFailure(outcome)).map((test) => failureLine(test, places)),
    ...report.tests.filter((test) => test.flaky && !isFailure(test.outcome)).map(flakyLine),
    ...report.notRun.map(
      (missing): ReportLine => ({ kind: 'not-run', nodeid: missing.nodeid, tests: missing.tests, reason: notRunText(missing) }),
    ),
    verdictLine(report, files),
  ];
}

function failureLine({ nodeid, outcome, file, line, attempts }: ReportedTest, places: Pick<Places, 'recorded'>): ReportLine {
  const last = attempts.at(-1);
  const recorded = last === undefined ? null : places.recorded(last.agent);
  return {
    kind: 'failure',
    nodeid,
    outcome: outcome === 'error' ? 'error' : 'failed',
    file,
    line,
    message: messageOf(last),
    agent: last?.agent ?? null,
    command: shellCommand(['pytest', nodeid]),
    replay:
      last === undefined || recorded === null
        ? null
        : shellCommand(['shardline', 'replay', recorded.folder, '--agent', recorded.agent, '--worker', last.worker]),
  };
}

/** A retry knows nothing of the attempts before it. */
const flakyLine = ({ nodeid, attempts }: ReportedTest): ReportLine => ({
  kind: 'flaky',
  nodeid,
  attempts: attempts.length,
  message: messageOf(attempts.find(({ outcome }) => isFailure(outcome))),
});

const messageOf = (attempt: ReportedTest['attempts'][number] | undefined): string =>
  attempt === undefined ? '' : oneLine(sumUp(attempt.message ?? '', attempt.brief));

function verdictLine({ runId, verdict, exitCode, startedAt, finishedAt, totals }: Report, files: readonly string[]): ReportLine {
  const { passed, failed, error, skipped, xfailed, xpassed, flaky, notRun } = totals;
  return {
    kind: 'verdict',
    version: LINES_VERSION,
    run: runId,
    verdict,
    exitCode,
    seconds: (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000,
    totals: { passed, failed, error, skipped, xfailed, xpassed, flaky, notRun },
    files,
  };
}
