// Embeds text from tests in Markdown so that the text cannot end the element that contains it.

import { harmless } from '../../../shared/text/safe-text.ts';
import { tailOf } from '../../../shared/text/tail.ts';

/** A code span that no backtick in the text can end. */
export function codeSpan(text: string): string {
  const safe = harmless(text).replaceAll('\n', ' ');
  const ticks = '`'.repeat(longestRun(safe) + 1);
  // Markdown strips one space at both ends. The text needs one if it begins or ends with a backtick or a space.
  const edge = /^[` ]|[` ]$|^$/.test(safe) ? ' ' : '';
  return `${ticks}${edge}${safe}${edge}${ticks}`;
}

/** A code span inside a table, where a bar would end the cell. */
export const codeCell = (text: string): string => codeSpan(text).replaceAll('|', '\\|');

/** A code block with the last `chars` characters of the text. */
export function fenced(text: string, language = 'text', chars = Number.POSITIVE_INFINITY): string {
  const safe = tailOf(harmless(text), chars);
  const fence = '`'.repeat(Math.max(3, longestRun(safe) + 1));
  return `${fence}${language}\n${safe}\n${fence}`;
}

const longestRun = (text: string): number => Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
