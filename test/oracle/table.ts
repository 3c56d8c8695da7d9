// Verdicts as rows of a Markdown table: the exit code and counts of plain pytest and of each way.

import type { Verdict } from './harness.ts';
import { type Observation, outcomes } from './observation.ts';
import type { Way } from './ways.ts';

export function tableTop(ways: readonly Way[]): string {
  const columns = ['Suite', 'plain pytest', ...ways.map(({ name }) => name)];
  return `| ${columns.join(' | ')} |\n|${columns.map(() => '---|').join('')}`;
}

/** A cell has `exit code: counts` of each run in order, without repetitions. It is bold if a run differs from plain pytest. */
export function tableRow(name: string, { truth, judged }: Verdict, ways: readonly Way[]): string {
  const cells = ways.map((way) => {
    const runs = judged.filter((one) => one.way === way.name);
    const text = cell(runs.map(({ seen }) => seen));
    return runs.some(({ differences }) => differences.length > 0) ? `**${text}**` : text;
  });
  return `| ${[name, cell(truth), ...cells].join(' | ')} |`;
}

const cell = (observations: readonly Observation[]): string => [...new Set(observations.map(short))].join('; ');

const short = ({ exitCode, counts, collectErrors }: Observation): string => {
  const parts = outcomes.flatMap((outcome) => (counts[outcome] === 0 ? [] : [`${counts[outcome]} ${outcome}`]));
  if (collectErrors.length > 0) parts.push(`${collectErrors.length} uncollected`);
  return `${exitCode ?? 'hangs'}: ${parts.join(', ') || 'no test'}`;
};
