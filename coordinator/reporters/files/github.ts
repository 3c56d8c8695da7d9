// Formats GitHub Actions annotations, which put a failure on its line.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions

import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Report, ReportedCollectError, ReportedTest } from '../../../shared/domain/report.ts';
import { inert } from '../../../shared/text/inert.ts';
import { harmless, plural } from '../../../shared/text/safe-text.ts';
import { tailOf } from '../../../shared/text/tail.ts';
import { splitErrors } from '../../core/result/late-errors.ts';

/** GitHub shows this many errors per step and silently drops the rest. */
const SHOWN = 10;
const MESSAGE_CHARS = 2000;

/**
 * Returns one annotation for each failure that GitHub shows, and a notice that counts the rest. If the report has a comparison, new
 * failures come first. `locate` maps a test file to its path in the GitHub repository.
 */
export function annotations(report: Report, locate: (file: string) => string): string[] {
  const isNew = new Set<string>(report.comparison?.newFailures);
  const failures = report.tests
    .filter((test) => isFailure(test.outcome))
    .sort((left, right) => Number(isNew.has(right.nodeid)) - Number(isNew.has(left.nodeid)));
  const { collecting, late } = splitErrors(report);
  const titled = (title: string, { file, message }: ReportedCollectError): string =>
    error({ file: locate(file), line: lineIn(message, file), title }, message);
  const all = [
    ...collecting.map((each) => titled(`could not collect ${each.nodeid}`, each)),
    ...late.map((each) => titled(`error at teardown of ${each.nodeid}`, each)),
    ...report.sessionErrors.map(({ agent, message }) =>
      command('error', { title: `pytest failed at the end of its session on ${agent}` }, tailOf(harmless(message), MESSAGE_CHARS)),
    ),
    ...failures.map((test) => failure(test, locate)),
  ];
  const more = all.length - SHOWN;
  return more <= 0
    ? all
    : [...all.slice(0, SHOWN), command('notice', {}, `shardline: the job summary and the report have ${plural(more, 'more failure')}.`)];
}

function failure(test: ReportedTest, locate: (file: string) => string): string {
  const message = test.attempts.at(-1)?.message ?? '';
  const line = lineIn(message, test.file) ?? test.line;
  return error({ file: locate(test.file), line, title: `${test.outcome}: ${test.nodeid}` }, message === '' ? 'no traceback' : message);
}

/** Returns the line of the last traceback entry in the file. pytest ends each entry with `path:line: what`. */
function lineIn(message: string, file: string): number | null {
  let found: number | null = null;
  for (const [, path = '', line = ''] of message.matchAll(/^(\S.*?):(\d+):/gm)) {
    if (path === file || path.endsWith(`/${file}`)) found = Number(line);
  }
  return found;
}

function error(where: { file: string; line: number | null; title: string }, message: string): string {
  const { file, line, title } = where;
  return command('error', { file, ...(line === null ? {} : { line: String(line) }), title }, tailOf(harmless(message), MESSAGE_CHARS));
}

function command(name: string, properties: Readonly<Record<string, string>>, message: string): string {
  const list = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(inert(harmless(value)))}`);
  return `::${name}${list.length === 0 ? '' : ` ${list.join(',')}`}::${escapeData(inert(message))}`;
}

const escapeData = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapeProperty = (text: string): string => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
