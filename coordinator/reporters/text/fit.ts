// Fits the short description of a failure behind a test's name.

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
