// Fits text into columns of a terminal.

import stringWidth from 'string-width';

/** Maximum length of the description if there is no terminal. */
const BRIEF_CHARS = 160;
const SEPARATOR = ' - ';
const ELLIPSIS = '...';

/** ` - what went wrong`, cut as pytest cuts it: to the room left on the terminal line, or empty if there is none. */
export function fitted(what: string, before: string, width: number | null): string {
  if (what === '') return '';
  const room = width === null ? BRIEF_CHARS : width - stringWidth(before) - SEPARATOR.length;
  if (stringWidth(what) <= room) return `${SEPARATOR}${what}`;
  if (room < ELLIPSIS.length) return '';
  let cut = what.slice(0, room - ELLIPSIS.length);
  while (stringWidth(cut) > room - ELLIPSIS.length) cut = cut.slice(0, -1);
  return `${SEPARATOR}${cut}${ELLIPSIS}`;
}

/** The columns of the widest text. */
export const widest = (texts: readonly string[]): number => texts.reduce((width, text) => Math.max(width, stringWidth(text)), 0);

/** Pads the text with spaces to this number of columns. */
export const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - stringWidth(text)));
