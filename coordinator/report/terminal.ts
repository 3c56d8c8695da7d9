// What stands in the terminal when a run is over. Its last line is the verdict, and nothing in a test's output can forge or hide it.

import { basename, dirname } from 'node:path';
import { isFailure } from '../../shared/outcome.ts';
import type { Report, ReportedTest } from '../../shared/report.ts';
import type { Verbosity } from '../../shared/settings.ts';
import { agentProblems } from './agent-problems.ts';
import { coverageLines } from './coverage-words.ts';
import { harmless, oneLine, plural } from './harmless.ts';
import { comparisonLines, targetLines } from './judgement-words.ts';
import { type Paint, paintFor, paintHead } from './paint.ts';
import { profileLines } from './profile-words.ts';
import { wrap } from './wrap.ts';

/** How many lines of one list are shown; the report has all. */
const SHOWN = 20;
/** How many of the slowest tests are named, and from what time on one is worth naming. */
const SLOWEST = { count: 5, leastSeconds: 0.1 } as const;

export interface TerminalOptions {
  readonly color: boolean;
  /** Columns of the terminal; null for what is none. */
  readonly width: number | null;
  /** Where the outputs stand. */
  readonly paths: readonly string[];
  readonly verbosity: Verbosity;
  /** coverage.py's own; none unless given. */
  readonly coverageTable?: string;
}

/** Lines that belong together, each ended; `title` where they are for whoever wants to know more. */
export interface ReportPart {
  readonly title: string | null;
  readonly text: string;
}

/** What stands above the verdict, and the verdict: a line of its own, with nothing in it that a test said. */
export function reportParts(report: Report, options: TerminalOptions): { readonly parts: readonly ReportPart[]; readonly verdict: string } {
  const paint = paintFor(options.color);
  const isQuiet = options.verbosity === 'quiet';
  const part = (title: string | null, lines: readonly string[]): ReportPart[] =>
    lines.length === 0 ? [] : [{ title, text: `${lines.join('\n')}\n` }];
  const painted = (lines: readonly string[]): readonly string[] => lines.map((line) => paintHead(paint, line));
  const judged = painted([...targetLines(report), ...comparisonLines(report)]);
  const summary = painted(shortSummary(report));
  const parts = [
    ...part(null, isQuiet ? summary : [...details(report, options.width ?? 80, paint), ...summary, ...(summary.length > 0 ? [''] : [])]),
    ...part(null, painted(coverageLines(report, isQuiet ? '' : (options.coverageTable ?? '')))),
    ...(isQuiet ? [] : part('slowest tests and where the time went', measures(report, options.width, paint))),
    ...part(null, [...judged, ...(isQuiet ? [] : places(options, paint))]),
  ];
  return { parts, verdict: `${verdictLine(report, paint)}\n` };
}

/** The first word of each line says what it is of. */
const measures = (report: Report, width: number | null, paint: Paint): readonly string[] =>
  [...slowest(report), ...profileLines(report).flatMap((line) => wrap(line, width))].map((line) => boldHead(line, paint));

const boldHead = (line: string, paint: Paint): string => line.replace(/^\w+/, (word) => paint('bold', word));

function details(report: Report, width: number, paint: Paint): string[] {
  const failures = report.tests.filter((test) => isFailure(test.outcome));
  return [
    ...report.collectErrors.flatMap(({ file, message }) => [
      paint('boldRed', heading(`ERROR collecting ${harmless(file)}`, width)),
      ...traceback(message, paint),
      '',
    ]),
    ...failures.flatMap((test) => failure(test, width, paint)),
  ];
}

function failure(test: ReportedTest, width: number, paint: Paint): string[] {
  const attempt = test.attempts.at(-1);
  const where = attempt === undefined ? '' : ` (${[attempt.agent, attempt.worker].filter((part) => part !== '').join(' ')})`;
  return [
    paint('boldRed', heading(`${harmless(test.nodeid)}${harmless(where)}`, width)),
    ...traceback(attempt?.message ?? 'no traceback was told', paint),
    ...(attempt?.sections ?? []).flatMap(({ title, text }) => [
      paint('bold', heading(harmless(title), width, '-')),
      harmless(text.trimEnd()),
    ]),
    '',
  ];
}

/** pytest begins with `E` what went wrong. */
const traceback = (message: string, paint: Paint): readonly string[] =>
  harmless(message)
    .split('\n')
    .map((line) => (/^E(\s|$)/.test(line) ? paint('red', line) : line));

function shortSummary(report: Report): string[] {
  return [
    ...report.collectErrors.map(({ file, message }) => `ERROR ${oneLine(file)} - ${brief(message)}`),
    ...report.tests
      .filter((test) => isFailure(test.outcome))
      .map((test) => {
        const message = test.attempts.at(-1)?.message ?? '';
        return `${test.outcome.toUpperCase()} ${oneLine(test.nodeid)}${message === '' ? '' : ` - ${brief(message)}`}`;
      }),
    ...report.tests.filter(({ flaky }) => flaky).map(({ nodeid, attempts }) => `FLAKY ${oneLine(nodeid)} - ${flakyHow(attempts)}`),
    ...[...Map.groupBy(report.notRun, ({ reason }) => reason)].flatMap(([reason, missing]) => [
      ...missing.slice(0, SHOWN).map(({ nodeid }) => `NOT RUN ${oneLine(nodeid)} - ${reason}`),
      ...(missing.length > SHOWN ? [`NOT RUN ${missing.length - SHOWN} more - ${reason}`] : []),
    ]),
    ...agentProblems(report).slice(0, SHOWN),
  ];
}

/** `failed on a1, passed on a2: <the first message>`. */
function flakyHow(attempts: ReportedTest['attempts']): string {
  const message = attempts[0]?.message ?? '';
  return `${attempts.map(({ outcome, agent }) => `${outcome} on ${oneLine(agent)}`).join(', ')}${message === '' ? '' : `: ${brief(message)}`}`;
}

function slowest(report: Report): string[] {
  const tests = report.tests.filter(({ seconds }) => seconds >= SLOWEST.leastSeconds).sort((left, right) => right.seconds - left.seconds);
  return tests.slice(0, SLOWEST.count).map(({ nodeid, seconds }) => `slow     ${seconds.toFixed(2)} s ${oneLine(nodeid)}`);
}

/** What stands in one directory is one line, that of the first whole: it can be opened from there. */
function places({ paths, width }: TerminalOptions, paint: Paint): readonly string[] {
  const lines = [...Map.groupBy(paths, dirname).values()].flatMap(([first = '', ...more]) =>
    wrap(
      `reports  ${oneLine(first)}${more.length === 0 ? '' : `, with ${more.map((path) => oneLine(basename(path))).join(', ')} beside it`}`,
      width,
    ),
  );
  return lines.map((line) => boldHead(line, paint));
}

/** `passed: 812 passed, 3 skipped in 12.3 s; 2 agents, 81 files; exit 0`. */
function verdictLine(report: Report, paint: Paint): string {
  const { totals } = report;
  const missed = report.targets?.filter(({ met }) => !met).length ?? 0;
  const parts = (
    [
      ['failed', totals.failed],
      ['error', totals.error],
      ['collection error', report.collectErrors.length],
      ['passed', totals.passed],
      ['skipped', totals.skipped],
      ['xfailed', totals.xfailed],
      ['xpassed', totals.xpassed],
      ['flaky', totals.flaky],
      ['not run', totals.notRun],
      [missed === 1 ? 'missed target' : 'missed targets', missed],
    ] as const
  )
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  const seconds = (Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000;
  const files = new Set(report.tests.map((test) => test.file)).size;
  const line = `${report.verdict}: ${parts.join(', ') || 'no tests'} in ${seconds.toFixed(1)} s; ${plural(report.agents.length, 'agent')}, ${plural(files, 'file')}; exit ${report.exitCode}`;
  return paint(report.exitCode === 0 ? 'boldGreen' : 'boldRed', line);
}

/** What a traceback comes down to: its last `E` line, else its last line. */
function brief(message: string): string {
  const lines = harmless(message)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const said = lines.find((line) => line.startsWith('E ')) ?? lines.at(-1) ?? '';
  return said.replace(/^E\s+/, '').slice(0, 160);
}

function heading(title: string, width: number, rule = '_'): string {
  const room = Math.max(4, width - title.length - 2);
  const left = rule.repeat(Math.max(2, Math.floor(room / 2)));
  return `${left} ${title.replaceAll('\n', '\\n')} ${rule.repeat(Math.max(2, room - left.length))}`;
}
