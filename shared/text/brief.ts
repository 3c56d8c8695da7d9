// Reduces a traceback to one line. Callers prefer pytest's own line (an attempt's `brief`) if there is one.

/** The exception that ended the test follows the last of these lines. */
const CHAIN = /^(?:During handling of the above exception|The above exception was the direct cause)/gm;
const NATIVE = /^Traceback \(most recent call last\):$/gm;

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
