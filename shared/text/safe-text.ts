// Makes text from tests safe for a terminal and for XML: a test's output must not move the cursor or break a document.

const ESCAPE = '\u001b';
/** Colours and cursor movements: ECMA-48 control sequences, and operating system commands with their payload. */
const sequences = new RegExp(`${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|\\][^\\u0007${ESCAPE}]*(?:\\u0007|${ESCAPE}\\\\)?|[@-Z\\\\-_])`, 'g');
/** Control characters except tab and newline. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** Characters that XML 1.0 forbids, and code points that are not characters. */
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufdd0-\ufdef\ufffe\uffff]|\p{Surrogate}/gu;

const codeOf = (character: string): string => (character.codePointAt(0) ?? 0).toString(16).toUpperCase();

/** For a terminal: drops control sequences and shows other control characters as `\x1B`. Keeps tabs and newlines. */
export const harmless = (text: string): string =>
  text
    .replace(/\r\n/g, '\n')
    .replace(sequences, '')
    .replace(controls, (character) => `\\x${codeOf(character).padStart(2, '0')}`);

/** The same, on one line. */
export const oneLine = (text: string): string => harmless(text).replaceAll('\n', '\\n');

/** The longest name or id in a line; a longer one would take several lines of a terminal. */
const NAME_CHARS = 240;

/** A name or an id on one line. A very long one loses its middle. */
export const shortName = (text: string): string => shortLine(text, NAME_CHARS);

/** A text on one line of about `chars` characters. A longer one loses its middle. */
export function shortLine(text: string, chars: number): string {
  const line = oneLine(text);
  if (line.length <= chars) return line;
  const half = chars / 2;
  return `${line.slice(0, half)}[…]${line.slice(-half)}`;
}

/** For XML: replaces forbidden characters by `#x1B`, as in pytest's own JUnit files. */
export const xmlSafe = (text: string): string => text.replace(notXml, (character) => `#x${codeOf(character).padStart(2, '0')}`);

/** Words that are counted as nouns. Other outcomes are counted as in `2 failed`. */
const nouns: readonly string[] = ['error', 'collection error', 'session error', 'missed target'];

/** `12`, `at least 12`. */
export const leastOf = (count: number, isLeast: boolean): string => `${isLeast ? 'at least ' : ''}${count}`;

/** `1 error`, `2 errors`, `2 failed`. */
export const countOf = (count: number, word: string): string => (nouns.includes(word) ? plural(count, word) : `${count} ${word}`);

/** `1 test`, `2 tests`. */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `a`, `a and b`, `a, b and c`. */
export const inWords = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
