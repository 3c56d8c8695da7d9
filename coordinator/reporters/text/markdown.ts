// Text of tests in Markdown: nothing in it can end what it stands in.

import { harmless } from '../../../shared/text/safe-text.ts';
import { tailOf } from '../../../shared/text/tail.ts';

/** A code span that no backtick in the text can end. */
export function codeSpan(text: string): string {
  const safe = harmless(text).replaceAll('\n', ' ');
  const ticks = '`'.repeat(longestRun(safe) + 1);
  // A space at both ends is no part of it; one is needed where the text itself begins or ends with a backtick or a space.
  const edge = /^[` ]|[` ]$|^$/.test(safe) ? ' ' : '';
  return `${ticks}${edge}${safe}${edge}${ticks}`;
}

/** The same in a table, where a bar would end the cell. */
export const codeCell = (text: string): string => codeSpan(text).replaceAll('|', '\\|');

/** A block of code, with the end of the text that `chars` allows. */
export function fenced(text: string, language = 'text', chars = Number.POSITIVE_INFINITY): string {
  const safe = tailOf(harmless(text), chars);
  const fence = '`'.repeat(Math.max(3, longestRun(safe) + 1));
  return `${fence}${language}\n${safe}\n${fence}`;
}

const longestRun = (text: string): number => Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
