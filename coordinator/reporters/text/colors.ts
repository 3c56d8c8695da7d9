// Colors messages if the output supports color.

import { styleText } from 'node:util';

export type Style = 'red' | 'green' | 'yellow' | 'bold' | 'dim' | 'boldRed' | 'boldGreen';

/** Returns the text in that style, or unchanged. */
export type Paint = (style: Style, text: string) => string;

const formats = {
  red: 'red',
  green: 'green',
  yellow: 'yellow',
  bold: 'bold',
  dim: 'dim',
  boldRed: ['bold', 'red'],
  boldGreen: ['bold', 'green'],
} as const;

export const plainPaint: Paint = (_style, text) => text;

/** The caller decides whether the output takes color. styleText would check standard output instead. */
export const paintFor = (takesColor: boolean): Paint =>
  takesColor ? (style, text) => styleText(asFormat(formats[style]), text, { validateStream: false }) : plainPaint;

const asFormat = (format: (typeof formats)[Style]): Parameters<typeof styleText>[0] => (typeof format === 'string' ? format : [...format]);

const headStyles: readonly (readonly [RegExp, Style])[] = [
  [/^(FAILED|CONFLICT|ERROR( collecting)?|NEW FAILURE|STILL FAILING|target MISSED)(?= )/, 'red'],
  [/^(LOST|QUARANTINED|REFUSED|NOT STARTED)(?= agent )/, 'red'],
  [/^WARNING(?= agent )/, 'yellow'],
  [/^(FLAKY|UNSTABLE|NOT RUN|LEFT EARLY|PARTS|VANISHED|SLOWER|REJECTED)(?= )/, 'yellow'],
  [/^(PASSED|XFAIL(ED)?|FIXED|target met)(?= )/, 'green'],
  [/^(SKIPPED|XPASS(ED)?)(?= )/, 'yellow'],
];

/** Colors the capitalized words, and similar heads, that one of shardline's lines begins with. */
export function paintHead(paint: Paint, line: string): string {
  for (const [head, style] of headStyles) if (head.test(line)) return line.replace(head, (word) => paint(style, word));
  return line;
}
