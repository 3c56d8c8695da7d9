// Prints the end of a run in the terminal. The last line is the verdict, and no test output can forge or hide it.

import { basename, dirname } from 'node:path';
import { isFailure, type NotRunReason } from '../../../shared/domain/outcome.ts';
import {
  isMerged,
  type NotRun,
  type Report,
  type ReportedAttempt,
  type ReportedCollectError,
  type ReportedTest,
} from '../../../shared/domain/report.ts';
import { warningCount } from '../../../shared/domain/shown.ts';
import type { Verbosity } from '../../../shared/settings/settings.ts';
import { briefOf, sumUp } from '../../../shared/text/brief.ts';
import { countOf, harmless, leastOf, oneLine, plural, shortName } from '../../../shared/text/safe-text.ts';
import { notRunName, notRunText, notRunWords, verdictWords } from '../../core/result/ending-text.ts';
import { splitErrors } from '../../core/result/late-errors.ts';
import { countNotRun, inFiles } from '../../core/result/not-run.ts';
import { boundingTest } from '../../core/result/profile.ts';
import { absenceWords } from '../text/absence-text.ts';
import { type Paint, paintFor, paintHead } from '../text/colors.ts';
import { cutWords } from '../text/cut-text.ts';
import { fitted } from '../text/fit.ts';
import { lastRunsWords } from '../text/last-runs.ts';
import { agentEndLines, agentsWords, missingMessageLines, rejectionLines } from './agent-text.ts';
import { coverageLines } from './coverage-text.ts';
import { comparisonLines, targetLines } from './judgement-text.ts';
import { adviceLine, againstBound, inMinutes, inSeconds, isWorthRating, profileLines } from './profile-text.ts';
import { askedLines, durationLines, passedWithOutput } from './requested-text.ts';
import { headerLines, sectionLines, warningLines, warningSummary } from './shown-text.ts';
import { wrap } from './wrap.ts';

/** Maximum number of lines shown of one list; the report has all. */
const SHOWN = 20;
/** Maximum number of characters of tracebacks and output. Terminals and CI jobs keep less than a report does. */
const SHOWN_CHARS = 20_000_000;
/** How many of the slowest tests `-v` names, and the shortest time worth naming. */
const SLOWEST = { count: 5, leastSeconds: 0.1 } as const;
/** Without `-v`, the slowest test is named only if it took at least this long and this share of the run. `slower` is against earlier runs. */
const NOTABLE = { leastSeconds: 1, share: 0.1, slower: 1.5 } as const;

export interface TerminalOptions {
  readonly color: boolean;
  /** Terminal columns; null if the output is no terminal. */
  readonly width: number | null;
  /** Paths of the outputs. */
  readonly paths: readonly string[];
  readonly verbosity: Verbosity;
  /** coverage.py's own table, if the run measured coverage. */
  readonly coverageTable?: string;
}

/** Lines that belong together, each with a final newline. `title` is null for parts that are always shown; other parts are details. */
export interface ReportPart {
  readonly title: string | null;
  readonly text: string;
}

/** Returns the parts above the verdict, and the verdict on a line of its own that contains no text from tests. */
export function reportParts(report: Report, options: TerminalOptions): { readonly parts: readonly ReportPart[]; readonly verdict: string } {
  const paint = paintFor(options.color);
  const isQuiet = options.verbosity === 'quiet';
  const part = (title: string | null, lines: readonly string[]): ReportPart[] =>
    lines.length === 0 ? [] : [{ title, text: `${lines.join('\n')}\n` }];
  const painted = (lines: readonly string[]): readonly string[] => lines.map((line) => paintHead(paint, line));
  const judged = painted([...targetLines(report), ...comparisonLines(report)]);
  const summary = painted([...askedLines(report), ...shortSummary(report, options.width)]);
  const parts = [
    ...part(null, isQuiet ? summary : [...details(report, options.width ?? 80, paint), ...summary, ...(summary.length > 0 ? [''] : [])]),
    ...(isQuiet ? [] : part(null, shown(report, options, paint))),
    ...part(null, durationSection(report, options, paint)),
    ...part(null, painted(coverageLines(report, isQuiet ? '' : (options.coverageTable ?? '')))),
    ...(options.verbosity === 'verbose' ? part('slowest tests and where the time went', measures(report, options.width, paint)) : []),
    ...(options.verbosity === 'normal' ? part(null, closing(report, options.width, paint)) : []),
    ...part(null, [...judged, ...cutLines(report), ...(isQuiet ? [] : places(options, paint))]),
  ];
  return { parts, verdict: `${verdictLine(report, paint)}\n` };
}

/** The warnings, sections and headers that pytest and its plugins print besides results. */
function shown(report: Report, { verbosity, width }: TerminalOptions, paint: Paint): readonly string[] {
  const isVerbose = verbosity === 'verbose';
  const sections = sectionLines(report, isVerbose).flatMap(({ title, lines }) => [
    paint('bold', heading(title, width ?? 80, '=')),
    ...lines,
    '',
  ]);
  const warnings = isVerbose ? warningSummary(report) : [];
  return [
    ...(warnings.length === 0 ? [] : [paint('bold', heading('warnings summary', width ?? 80, '=')), ...warnings]),
    ...sections,
    ...[...(isVerbose ? headerLines(report) : []), ...warningLines(report, width)].map((line) => boldHead(line, paint)),
  ];
}

function durationSection(report: Report, { width }: TerminalOptions, paint: Paint): readonly string[] {
  const [title, ...lines] = durationLines(report);
  return title === undefined ? [] : [paint('bold', heading(title, width ?? 80, '=')), ...lines];
}

const cutLines = ({ textsCut }: Report): readonly string[] => (textsCut === 0 ? [] : [`cut      ${cutWords(textsCut)}`]);

/** The first word of each line names its topic. */
const measures = (report: Report, width: number | null, paint: Paint): readonly string[] =>
  [...slowest(report), ...profileLines(report).flatMap((line) => wrap(line, width))].map((line) => boldHead(line, paint));

/** Besides paths and verdict, returns at most two lines, including the one about warnings. It omits lines without information. */
function closing(report: Report, width: number | null, paint: Paint): readonly string[] {
  const nothing = report.verdict === 'no-tests' ? ['tests    none. Fix: check the paths, and -k and -m after --'] : [];
  const time = report.verdict === 'deadline' ? deadlineLines(report) : [...nothing, ...againstBound(report)];
  const advice = adviceLine(report);
  const second = advice.length > 0 ? advice : notableTest(report);
  const lines = [...time, ...(warningLines(report, width).length > 0 ? [] : second)];
  return lines.flatMap((line) => wrap(line, width)).map((line) => boldHead(line, paint));
}

function deadlineLines({ deadline, tests }: Report): string[] {
  if (deadline === null) return [];
  const budget = `deadline ${inMinutes(deadline.seconds)}`;
  // More agents would not start any sooner.
  return [
    tests.length === 0
      ? `Reached the ${inMinutes(deadline.seconds)} deadline before any test finished. Fix: raise --deadline`
      : `${budget}. Fix: raise --deadline or add agents`,
  ];
}

function notableTest(report: Report): string[] {
  const { makespanSeconds } = report.profile;
  const least = Math.max(NOTABLE.leastSeconds, NOTABLE.share * makespanSeconds);
  const [slowestTest] = slowestTests(report);
  if (slowestTest === undefined || slowestTest.seconds < least || !isWorthRating(report)) return [];
  const fix = boundingTest(report)?.nodeid === slowestTest.nodeid ? ': shorten or split it; more workers do not help' : '';
  return [`slowest  ${inSeconds(slowestTest.seconds)} ${shortName(slowestTest.nodeid)}${usualWords(report, slowestTest)}${fix}`];
}

/** ` (usually 1.20 s)`, if the test took much longer than in earlier runs. */
function usualWords({ history }: Report, { nodeid, seconds }: ReportedTest): string {
  const usual = history?.slowest.find((test) => test.nodeid === nodeid)?.usualSeconds ?? null;
  return usual === null || seconds < NOTABLE.slower * usual ? '' : ` (usually ${inSeconds(usual)})`;
}

const boldHead = (line: string, paint: Paint): string => line.replace(/^\w+/, (word) => paint('bold', word));

function details(report: Report, width: number, paint: Paint): string[] {
  const failures = report.tests.filter((test) => isFailure(test.outcome));
  const { collecting, late } = splitErrors(report);
  const titled = (title: string, { nodeid, message }: ReportedCollectError): readonly string[] => [
    paint('boldRed', heading(`${title} ${harmless(nodeid)}`, width)),
    ...traceback(message, paint),
    '',
  ];
  return [
    ...collecting.flatMap((error) => titled('ERROR collecting', error)),
    ...late.flatMap((error) => titled('ERROR at teardown of', error)),
    ...report.sessionErrors.flatMap(({ agent, message }) => [
      paint('boldRed', heading(`ERROR at the end of pytest on ${harmless(agent)}`, width)),
      ...traceback(message, paint),
      '',
    ]),
    ...passedWithOutput(report).flatMap((test) => [paint('bold', titleOf(test, width)), ...outputOf(test, width, paint), '']),
    ...failuresShown(failures, width, paint),
  ];
}

function failuresShown(failures: readonly ReportedTest[], width: number, paint: Paint): string[] {
  const lines: string[] = [];
  let leftChars = SHOWN_CHARS;
  for (const [index, test] of failures.entries()) {
    leftChars -= charsOf(test);
    if (leftChars < 0) return [...lines, `The tracebacks of ${plural(failures.length - index, 'more failure')} are in the report.`, ''];
    lines.push(...failure(test, width, paint));
  }
  return lines;
}

const charsOf = ({ attempts }: ReportedTest): number => {
  const { message, sections } = attempts.at(-1) ?? { message: null, sections: [] };
  return sections.reduce((sum, { text }) => sum + text.length, message?.length ?? 0);
};

function failure(test: ReportedTest, width: number, paint: Paint): string[] {
  const message = test.attempts.at(-1)?.message ?? 'no traceback';
  return [paint('boldRed', titleOf(test, width)), ...traceback(message, paint), ...outputOf(test, width, paint), ''];
}

function titleOf({ nodeid, attempts }: ReportedTest, width: number): string {
  const attempt = attempts.at(-1);
  const where = attempt === undefined ? '' : ` (${[attempt.agent, attempt.worker].filter((part) => part !== '').join(' ')})`;
  return heading(`${shortName(nodeid)}${harmless(where)}`, width);
}

const outputOf = ({ attempts }: ReportedTest, width: number, paint: Paint): readonly string[] =>
  (attempts.at(-1)?.sections ?? []).flatMap(({ title, text }) => [
    paint('bold', heading(harmless(title), width, '-')),
    harmless(text.trimEnd()),
  ]);

/** pytest prefixes the lines that describe the error with `E`. */
const traceback = (message: string, paint: Paint): readonly string[] =>
  harmless(message)
    .split('\n')
    .map((line) => (/^E(\s|$)/.test(line) ? paint('red', line) : line));

function shortSummary(report: Report, width: number | null): string[] {
  const line = (word: string, name: string, what: string): string => `${word} ${name}${fitted(oneLine(what), `${word} ${name}`, width)}`;
  return [
    ...report.collectErrors.map(({ nodeid, message }) => line('ERROR', shortName(nodeid), briefOf(message))),
    ...report.sessionErrors.map(({ agent, message }) => line('ERROR', `at the end of pytest on ${oneLine(agent)}`, briefOf(message))),
    ...report.tests
      .filter((test) => isFailure(test.outcome))
      .map(({ nodeid, outcome, attempts }) => line(outcome.toUpperCase(), shortName(nodeid), briefOfAttempt(attempts.at(-1)))),
    ...report.tests.filter(({ flaky }) => flaky).map(({ nodeid, attempts }) => line('FLAKY', shortName(nodeid), flakyHow(attempts))),
    ...report.conflicts.map(({ nodeid, first, second }) => `CONFLICT ${shortName(nodeid)} - ${sideWords(first)}, ${sideWords(second)}`),
    ...unstableLines(report),
    ...[...Map.groupBy(report.notRun, ({ reason }) => reason)].flatMap(([reason, missing]) => notRunLines(reason, missing)),
    ...report.partProblems.map((problem) => `PARTS ${oneLine(problem)}`),
    ...agentEndLines(report),
    ...report.absent.map((absence) => `NOT JOINED ${absenceWords(absence)}`),
    ...rejectionLines(report),
    ...missingMessageLines(report),
  ];
}

/** `passed on a1`. */
const sideWords = ({ agent, outcome }: Report['conflicts'][number]['first']): string => `${outcome} on ${oneLine(agent)}`;

/** `UNSTABLE tests/test_a.py::test_b - failed in 3 of its last 10 runs`, for tests that failed in this run. */
function unstableLines({ tests, history }: Report): readonly string[] {
  if (history === null || history.unstable.length === 0) return [];
  const failed = new Set(tests.filter(({ outcome }) => isFailure(outcome)).map(({ nodeid }) => nodeid));
  return history.unstable
    .filter(({ nodeid }) => failed.has(nodeid))
    .slice(0, SHOWN)
    .map(({ nodeid, lastRuns }) => `UNSTABLE ${shortName(nodeid)} - ${lastRunsWords(lastRuns)}`);
}

/** `NOT RUN tests/test_a.py (12 tests) - deadline reached`. Names files instead of tests if the tests would make a long list. */
function notRunLines(reason: NotRunReason, entries: Report['notRun']): readonly string[] {
  const missing = entries.length > SHOWN ? inFiles(entries) : entries;
  const more = countNotRun(missing.slice(SHOWN));
  const held = ({ kind, tests }: NotRun): string =>
    kind === 'test' && tests === 1 ? '' : ` (${tests === null ? 'at least 1 test' : plural(tests, 'test')})`;
  return [
    ...missing.slice(0, SHOWN).map((each) => `NOT RUN ${shortName(notRunName(each.nodeid))}${held(each)} - ${notRunText(each)}`),
    ...(more.notRun > 0 ? [`NOT RUN ${leastOf(more.notRun, more.notRunIsLeast)} more - ${notRunWords[reason]}`] : []),
  ];
}

const briefOfAttempt = (attempt: ReportedAttempt | undefined): string =>
  attempt === undefined ? '' : sumUp(attempt.message ?? '', attempt.brief);

/** `failed on a1, passed on a2: <the first message>`. */
function flakyHow(attempts: ReportedTest['attempts']): string {
  const what = briefOfAttempt(attempts[0]);
  return `${attempts.map(({ outcome, agent }) => `${outcome} on ${oneLine(agent)}`).join(', ')}${what === '' ? '' : `: ${what}`}`;
}

const slowest = (report: Report): string[] =>
  slowestTests(report)
    .slice(0, SLOWEST.count)
    .map(({ nodeid, seconds }) => `slow     ${seconds.toFixed(2)} s ${shortName(nodeid)}`);

const slowestTests = ({ tests }: Report): readonly ReportedTest[] =>
  tests.filter(({ seconds }) => seconds >= SLOWEST.leastSeconds).sort((left, right) => right.seconds - left.seconds);

/**
 * Prints one line per directory, which begins with the full path of its first file so that it can be opened. Without `-v` each line fits
 * the terminal.
 */
function places({ paths, width, verbosity }: TerminalOptions, paint: Paint): readonly string[] {
  const lines = [...Map.groupBy(paths, dirname).values()].flatMap(([first = '', ...more]) => {
    const head = `reports  ${oneLine(first)}`;
    const whole = [head, ...more.map((path) => oneLine(basename(path)))].join(', ');
    const isFitting = width === null || whole.length <= width || more.length === 0;
    return isFitting ? [whole] : verbosity === 'verbose' ? wrap(whole, width) : [`${head} and ${plural(more.length, 'more file')}`];
  });
  return lines.map((line) => boldHead(line, paint));
}

const verdictLine = (report: Report, paint: Paint): string => paint(report.exitCode === 0 ? 'boldGreen' : 'boldRed', verdictText(report));

/** `passed: 812 passed, 3 skipped in 12.3 s; 2 agents; exit 0`. */
export function verdictText(report: Report): string {
  const { totals } = report;
  const { collecting, late } = splitErrors(report);
  const warnings = warningCount(report);
  const missed = report.targets?.filter(({ met }) => !met).length ?? 0;
  const parts = (
    [
      ['failed', totals.failed],
      ['error', totals.error + late.length],
      ['conflict', report.conflicts.length],
      ['collection error', collecting.length],
      ['session error', report.sessionErrors.length],
      ['passed', totals.passed],
      ['skipped', totals.skipped],
      ['deselected', report.deselected],
      ['xfailed', totals.xfailed],
      ['xpassed', totals.xpassed],
      [warnings === 1 ? 'warning' : 'warnings', warnings],
      ['flaky', totals.flaky],
      ['not run', totals.notRun],
      ['missed target', missed],
    ] as const
  )
    .filter(([, count]) => count > 0)
    .map(([name, count]) => (name === 'not run' ? `${leastOf(count, totals.notRunIsLeast)} ${name}` : countOf(count, name)));
  const span = isMerged(report) ? ' from first start to last end' : '';
  const seconds = (Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000;
  // One agent that served to the end is not worth a mention. No agent at all explains an incomplete run, or a run that ended before it was
  // open.
  const isUsual = report.agents.length <= 1 && report.verdict !== 'incomplete' && report.agents.every(({ why }) => why === null);
  const agents = isUsual ? '' : `; ${agentsWords(report)}`;
  return `${verdictWords[report.verdict]}: ${parts.join(', ') || 'nothing ran'} in ${seconds.toFixed(1)} s${span}${agents}; exit ${report.exitCode}`;
}

function heading(title: string, width: number, rule = '_'): string {
  const room = Math.max(4, width - title.length - 2);
  const left = rule.repeat(Math.max(2, Math.floor(room / 2)));
  return `${left} ${title.replaceAll('\n', '\\n')} ${rule.repeat(Math.max(2, room - left.length))}`;
}
