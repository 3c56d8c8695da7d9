// Reduces a traceback to one line.

/** The exception that ended the test follows the last of these lines. */
const CHAIN = /^(?:During handling of the above exception|The above exception was the direct cause)/gm;
const NATIVE = /^Traceback \(most recent call last\):$/gm;

/** pytest's line about how two values differ, below the one that shows both of them. */
const DIFFERENCE = /^E +(?:Differing items:\nE +(.+)|(At index \d+ diff: .+))$/m;
/** A longer traceback is searched from here on, counted from its end. */
const SEARCHED_CHARS = 40_000;

/**
 * Sums up a failure: by the difference between two values if pytest shows it, else by pytest's own line, else by the error in the traceback.
 * pytest's own line (an attempt's `brief`) shortens long values, often to the part in which they are equal.
 */
export function sumUp(message: string, brief: string | null = null): string {
  const end = message.slice(-SEARCHED_CHARS);
  const [, items, index] = DIFFERENCE.exec(end) ?? [];
  return items ?? index ?? brief ?? briefOf(end);
}

/** The first `E` line, which states the error. For Python's own traceback it is the exception, and otherwise the first line. */
export function briefOf(message: string): string {
  const end = after(message, CHAIN);
  const marked = /^E +(.*)$/m.exec(end)?.[1];
  if (marked !== undefined) return marked;
  const lines = after(end, NATIVE)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const isNative = end.search(NATIVE) !== -1;
  return (lines.find((line) => !isNative || !/^\s/.test(line)) ?? lines[0] ?? '').trim();
}

/** The text after the line of the last match; the whole text without a match. */
function after(text: string, pattern: RegExp): string {
  const last = [...text.matchAll(pattern)].at(-1);
  const end = last === undefined ? -1 : text.indexOf('\n', last.index);
  return last === undefined ? text : end === -1 ? '' : text.slice(end + 1);
}
