// What went wrong, behind the name of a test, in what a line has room for.

import stringWidth from 'string-width';

/** How much of what went wrong a line of the summary has where there is no terminal. */
const BRIEF_CHARS = 160;
const SEPARATOR = ' - ';
const ELLIPSIS = '...';

/** ` - what went wrong`, cut as pytest cuts it: in a terminal to what the line has room for, and left out where that is nothing. */
export function fitted(what: string, before: string, width: number | null): string {
  if (what === '') return '';
  const room = width === null ? BRIEF_CHARS : width - stringWidth(before) - SEPARATOR.length;
  if (stringWidth(what) <= room) return `${SEPARATOR}${what}`;
  if (room < ELLIPSIS.length) return '';
  let cut = what.slice(0, room - ELLIPSIS.length);
  while (stringWidth(cut) > room - ELLIPSIS.length) cut = cut.slice(0, -1);
  return `${SEPARATOR}${cut}${ELLIPSIS}`;
}
