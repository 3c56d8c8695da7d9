// What a traceback comes down to, in one line. What pytest itself says of it (an attempt's `brief`) comes first wherever there is one.

/** Behind the last of these stands the exception that the test ended with. */
const CHAIN = /^(?:During handling of the above exception|The above exception was the direct cause)/gm;
const NATIVE = /^Traceback \(most recent call last\):$/gm;

/** Its first `E` line, which says what went wrong; of Python's own traceback the exception; else the first line. */
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

/** What follows the line of the last match; all of the text without one. */
function after(text: string, pattern: RegExp): string {
  const last = [...text.matchAll(pattern)].at(-1);
  const end = last === undefined ? -1 : text.indexOf('\n', last.index);
  return last === undefined ? text : end === -1 ? '' : text.slice(end + 1);
}
