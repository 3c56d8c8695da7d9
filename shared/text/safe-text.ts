// Text from tests, made fit for a terminal and for XML: what a test prints must not move the cursor or break a document.

const ESCAPE = '\u001b';
/** Colours and cursor movements (ECMA-48 control sequences, and operating system commands with what they carry). */
const sequences = new RegExp(`${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|\\][^\\u0007${ESCAPE}]*(?:\\u0007|${ESCAPE}\\\\)?|[@-Z\\\\-_])`, 'g');
/** Control characters but for tab and newline. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** What XML 1.0 cannot hold, and what is no character at all. */
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufdd0-\ufdef\ufffe\uffff]|\p{Surrogate}/gu;

const codeOf = (character: string): string => (character.codePointAt(0) ?? 0).toString(16).toUpperCase();

/** For a terminal: control sequences are dropped, other control characters shown as `\x1B`. Tabs and newlines stay. */
export const harmless = (text: string): string =>
  text
    .replace(/\r\n/g, '\n')
    .replace(sequences, '')
    .replace(controls, (character) => `\\x${codeOf(character).padStart(2, '0')}`);

/** The same, on one line. */
export const oneLine = (text: string): string => harmless(text).replaceAll('\n', '\\n');

/** How much of a name or an id a line shows: more would be several lines of a terminal. */
const NAME_CHARS = 240;

/** A name or an id on one line; of a very long one the middle is left out. */
export function shortName(text: string): string {
  const line = oneLine(text);
  if (line.length <= NAME_CHARS) return line;
  const half = NAME_CHARS / 2;
  return `${line.slice(0, half)}[…]${line.slice(-half)}`;
}

/** For XML: what may not stand there becomes `#x1B`, as in pytest's own JUnit files. */
export const xmlSafe = (text: string): string => text.replace(notXml, (character) => `#x${codeOf(character).padStart(2, '0')}`);

/** What is counted by a noun; other outcomes are counted by what became of a test: `2 failed`. */
const nouns: readonly string[] = ['error', 'collection error', 'session error', 'missed target'];

/** `12`, `at least 12`. */
export const leastOf = (count: number, isLeast: boolean): string => `${isLeast ? 'at least ' : ''}${count}`;

/** `1 error`, `2 errors`, `2 failed`. */
export const countOf = (count: number, word: string): string => (nouns.includes(word) ? plural(count, word) : `${count} ${word}`);

/** `1 test`, `2 tests`. */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
