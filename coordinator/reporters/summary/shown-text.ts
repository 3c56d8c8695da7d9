// Formats warnings, plugins' sections and pytest's header for the end of a run. report.json and report.html have all of them.

import type { Report } from '../../../shared/domain/report.ts';
import { type ReportedWarning, warningCount } from '../../../shared/domain/shown.ts';
import { harmless, oneLine, plural } from '../../../shared/text/safe-text.ts';

/** Maximum number of lines shown of one section. */
const SECTION_LINES = 30;
const FIRST_CHARS = 160;

/** With `--disable-warnings`, pytest counts warnings but shows none. */
const isShown = ({ warnings, asked }: Report): boolean => warnings.length > 0 && (asked === null || asked.outcomes.includes('w'));

/** One line for all warnings, cut to the terminal's width; empty if there are none. */
export function warningLines(report: Report, width: number | null): string[] {
  const [first] = report.warnings;
  if (first === undefined || !isShown(report)) return [];
  const distinct = report.warnings.length;
  const count = warningCount(report);
  const head = `warnings ${count}: `;
  const more = distinct === 1 ? '' : ` (-v shows all ${distinct})`;
  const room = Math.max(0, Math.min(FIRST_CHARS, (width ?? Number.POSITIVE_INFINITY) - head.length - more.length));
  return [`${head}${cut(warningWords(first), room)}${more}`];
}

const cut = (text: string, room: number): string => (text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`);

/** `tests/test_a.py:9: UserWarning: message`, with only the first line of the message. */
export const warningWords = ({ file, line, category, message }: ReportedWarning): string =>
  `${file === '' ? '' : `${oneLine(file)}:${line}: `}${oneLine(category)}: ${oneLine(message.split('\n', 1)[0] ?? '')}`;

/** Each distinct warning with the places that raised it, as in pytest's warnings summary. */
export function warningSummary(report: Report): string[] {
  if (!isShown(report)) return [];
  return report.warnings.flatMap(({ places, ...warning }) => [
    ...places.map(({ place, count }) => (count === 1 ? oneLine(place) : `${oneLine(place)}: ${plural(count, 'warning')}`)),
    ...[`${warning.file === '' ? '' : `${warning.file}:${warning.line}: `}${warning.category}: ${warning.message}`]
      .flatMap((text) => harmless(text).trimEnd().split('\n'))
      .map((line) => `  ${line}`),
    '',
  ]);
}

export interface SectionLines {
  /** The plugin or conftest that printed it, and the agents it ran on. */
  readonly title: string;
  readonly lines: readonly string[];
}

/**
 * The sections that plugins and conftests printed at the end of each agent's pytest. Equal sections of several agents are shown once.
 * `isWhole` includes all lines.
 */
export function sectionLines({ sessions }: Report, isWhole: boolean): SectionLines[] {
  const printed = sessions.flatMap(({ agent, sections }) => sections.map((section) => ({ agent, ...section })));
  const same = Map.groupBy(printed, ({ title, text }) => JSON.stringify([title, text]));
  return [...same.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const agents = [...new Set([first, ...others].map(({ agent }) => agent))].join(', ');
    const lines = harmless(first.text).trim().split('\n');
    const shown = isWhole ? lines : lines.slice(0, SECTION_LINES);
    const more = lines.length - shown.length;
    return [
      {
        title: `${oneLine(first.title)} (${oneLine(agents)})`,
        lines: [...shown, ...(more === 0 ? [] : [`… ${plural(more, 'more line')} in report.html`])],
      },
    ];
  });
}

/** pytest's header. Equal headers of several agents are shown once. */
export function headerLines({ sessions }: Report): string[] {
  const same = Map.groupBy(
    sessions.filter(({ header }) => header.length > 0),
    ({ header }) => JSON.stringify(header),
  );
  return [...same.values()].flatMap((those) => {
    const agents = those.map(({ agent }) => oneLine(agent)).join(', ');
    const [first = '', ...others] = those[0]?.header ?? [];
    return [`pytest   ${agents}: ${oneLine(first)}`, ...others.map((line) => `         ${oneLine(line)}`)];
  });
}
