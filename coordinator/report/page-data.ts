// What the page in report.html and the dashboard is drawn from: a report in columns and string tables. 100,000 tests as objects would be five times
// the bytes and ten times the objects to read. The page reads it back in page/model.ts.

import { outcomes, type Verdict } from '../../shared/outcome.ts';
import type { Profile, Report, ReportedAgent, ReportedAttempt, ReportedTest, Totals } from '../../shared/report.ts';
import { harmless } from './harmless.ts';

/** Instants are milliseconds since `startedAt`, durations milliseconds, both with one decimal; outcomes are places in `outcomes`. */
export interface PageData {
  readonly runId: string;
  readonly verdict: Verdict | 'running';
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
  readonly files: readonly string[];
  /** Each xdist worker that ran something. */
  readonly lanes: readonly (readonly [agent: string, worker: string])[];
  /** Tracebacks, reasons and captured output, each once. */
  readonly texts: readonly string[];
  readonly tests: TestColumns;
  readonly attempts: AttemptColumns;
  readonly notRun: readonly (readonly [name: string, file: number, reason: string, predictedMs: number])[];
  readonly collectErrors: readonly (readonly [file: number, text: number])[];
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

/** What tests printed is kept where somebody will look for it: with what failed, was flaky or did not run through. report.json has all. */
const isToldOf = (test: ReportedTest, attempt: ReportedAttempt): boolean => test.flaky || attempt.outcome !== 'passed';

export function pageData(report: Report): PageData {
  const startedAt = Date.parse(report.startedAt);
  const files = table();
  const texts = table();
  const lanes = table();
  const lanePairs: [string, string][] = [];
  const laneOf = ({ agent, worker }: ReportedAttempt): number => {
    const place = lanes.place(`${agent} ${worker}`);
    lanePairs[place] ??= [agent, harmless(worker)];
    return place;
  };
  const text = (raw: string): number => texts.place(harmless(raw));
  const tests = {
    name: report.tests.map(({ nodeid, file }) => nameIn(nodeid, file)),
    file: report.tests.map(({ file }) => files.place(harmless(file))),
    line: report.tests.map(({ line }) => line ?? 0),
    outcome: report.tests.map(({ outcome }) => outcomes.indexOf(outcome)),
    ms: report.tests.map(({ seconds }) => tenths(seconds * 1000)),
    flaky: report.tests.flatMap(({ flaky }, index) => (flaky ? [index] : [])),
    attempts: report.tests.flatMap((test, index) => (test.attempts.length === 1 ? [] : [[index, test.attempts.length] as const])),
  };
  const all = report.tests.flatMap((test) => test.attempts.map((attempt) => ({ attempt, isTold: isToldOf(test, attempt) })));
  const attempts = {
    lane: all.map(({ attempt }) => laneOf(attempt)),
    startedAt: all.map(({ attempt }) => tenths(Date.parse(attempt.startedAt) - startedAt)),
    ms: all.map(({ attempt }) => tenths(attempt.seconds * 1000)),
    outcome: all.map(({ attempt }) => outcomes.indexOf(attempt.outcome)),
    text: all.flatMap(({ attempt, isTold }, index) =>
      attempt.message === null || !isTold ? [] : [[index, text(attempt.message)] as const],
    ),
    sections: all.flatMap(({ attempt: { sections }, isTold }, index) =>
      sections.length === 0 || !isTold
        ? []
        : [[index, ...sections.flatMap((section) => [text(section.title), text(section.text)])] as const],
    ),
  };
  const notRun = report.notRun.map(({ nodeid, kind, reason, predictedSeconds }) => {
    const file = kind === 'file' ? nodeid : (nodeid.split('::', 1)[0] ?? '');
    return [kind === 'file' ? '' : nameIn(nodeid, file), files.place(harmless(file)), reason, tenths(predictedSeconds * 1000)] as const;
  });
  const collectErrors = report.collectErrors.map(({ file, message }) => [files.place(harmless(file)), text(message)] as const);
  return {
    runId: report.runId,
    verdict: report.verdict,
    exitCode: report.exitCode,
    startedAt,
    finishedAt: Date.parse(report.finishedAt) - startedAt,
    deadline: report.deadline,
    totals: report.totals,
    profile: report.profile,
    agents: report.agents,
    targets: report.targets,
    baseline: report.comparison === null ? null : harmless(report.comparison.baseline),
    newFailures: newFailuresOf(report),
    files: files.values,
    lanes: lanePairs,
    texts: texts.values,
    tests,
    attempts,
    notRun,
    collectErrors,
  };
}

function newFailuresOf({ tests, comparison }: Report): readonly number[] | null {
  if (comparison === null) return null;
  const named = new Set(comparison.newFailures);
  return tests.flatMap(({ nodeid }, index) => (named.has(nodeid) ? [index] : []));
}

const nameIn = (nodeid: string, file: string): string => harmless(nodeid.startsWith(`${file}::`) ? nodeid.slice(file.length + 2) : nodeid);

const tenths = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;

interface Table {
  readonly values: readonly string[];
  place(value: string): number;
}

/** Each different string once, by its place. */
function table(): Table {
  const values: string[] = [];
  const places = new Map<string, number>();
  return {
    values,
    place(value) {
      const known = places.get(value);
      if (known !== undefined) return known;
      places.set(value, values.length);
      return values.push(value) - 1;
    },
  };
}
