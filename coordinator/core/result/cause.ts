// Extracts in one line why pytest ended from what it printed: an error, never a trailing warning.

/** Matches exceptions, pytest's own errors, and the messages of Python and the shell about a killed process. */
const CAUSE =
  /^(?:INTERNALERROR> |E +)?(?:[\w.]*(?:Error|Exception|Exit|Interrupt)\b|ERROR: |[Ff]atal (?:Python )?error\b|Segmentation fault|Killed\b|MemoryError)/;
const TRACEBACK = /(?::? Traceback \(most recent call last\))?[:.]$/;
const CHARS = 300;

/** The first line of the detail, followed by the last error that pytest printed, if any. */
export function causeOf(detail: string): string {
  const [first = '', ...printed] = detail.split('\n').filter((line) => line.trim() !== '');
  const cause = printed.findLast((line) => CAUSE.test(line));
  const what = first.trim().replace(TRACEBACK, '');
  const line = cause === undefined ? first.trim() : `${what}: ${cause.replace(/^(?:INTERNALERROR> |E +)/, '').trim()}`;
  return line.length <= CHARS ? line : `${line.slice(0, CHARS - 1)}…`;
}
