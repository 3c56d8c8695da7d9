// Why a pytest ended, in one line, from what it printed: an error, never a warning that happens to stand last.

/** Exceptions, pytest's own errors, and what Python and the shell say of a death. */
const CAUSE =
  /^(?:INTERNALERROR> |E +)?(?:[\w.]*(?:Error|Exception|Exit|Interrupt)\b|ERROR: |[Ff]atal (?:Python )?error\b|Segmentation fault|Killed\b|MemoryError)/;
const TRACEBACK = /(?::? Traceback \(most recent call last\))?[:.]$/;
const CHARS = 300;

/** The first line of what is known, with the error that it printed last where one is found. */
export function causeOf(detail: string): string {
  const [first = '', ...printed] = detail.split('\n').filter((line) => line.trim() !== '');
  const cause = printed.findLast((line) => CAUSE.test(line));
  const what = first.trim().replace(TRACEBACK, '');
  const line = cause === undefined ? first.trim() : `${what}: ${cause.replace(/^(?:INTERNALERROR> |E +)/, '').trim()}`;
  return line.length <= CHARS ? line : `${line.slice(0, CHARS - 1)}…`;
}
