// `summary.md`: what a CI job's summary shows.

import { isFailure } from '../../shared/outcome.ts';
import type { Report } from '../../shared/report.ts';
import { harmless, plural } from './harmless.ts';

/** How many failures are shown in full; CI systems cap a summary's size. */
const SHOWN = 20;
const MESSAGE_CHARS = 4000;

export function summaryMarkdown(report: Report): string {
  const { totals } = report;
  const failures = report.tests.filter((test) => isFailure(test.outcome));
  const lines = [
    `## shardline: ${report.verdict}`,
    '',
    '| expected | passed | failed | error | skipped | xfailed | xpassed | not run |',
    '|---|---|---|---|---|---|---|---|',
    `| ${[totals.expected, totals.passed, totals.failed, totals.error, totals.skipped, totals.xfailed, totals.xpassed, totals.notRun].join(' | ')} |`,
    '',
    ...report.collectErrors.slice(0, SHOWN).flatMap(({ file, message }) => [`Could not collect ${code(file)}:`, '', fenced(message), '']),
    ...failures
      .slice(0, SHOWN)
      .flatMap((test) => [`${test.outcome} ${code(test.nodeid)}:`, '', fenced(test.attempts.at(-1)?.message ?? ''), '']),
    ...(failures.length > SHOWN ? [`and ${failures.length - SHOWN} more failures.`, ''] : []),
    ...[...Map.groupBy(report.notRun, ({ reason }) => reason)].map(
      ([reason, missing]) =>
        `- not run (${reason}): ${missing
          .slice(0, SHOWN)
          .map(({ nodeid }) => code(nodeid))
          .join(', ')}${missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : ''}`,
    ),
    `${plural(report.agents.length, 'agent')}, ${plural(report.shards.length, 'shard')}; makespan ${report.profile.makespanSeconds.toFixed(1)} s, exit code ${report.exitCode}.`,
  ];
  return `${lines.join('\n')}\n`;
}

/** A code span that no backtick in the text can end. */
function code(text: string): string {
  const safe = harmless(text).replaceAll('\n', ' ');
  const ticks = '`'.repeat(longestRun(safe) + 1);
  return `${ticks} ${safe} ${ticks}`;
}

function fenced(text: string): string {
  const safe = harmless(text).slice(-MESSAGE_CHARS);
  const fence = '`'.repeat(Math.max(3, longestRun(safe) + 1));
  return `${fence}text\n${safe}\n${fence}`;
}

const longestRun = (text: string): number => Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
