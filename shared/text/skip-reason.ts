// The reason for which a test was skipped, without the absolute path of the machine that ran it.

/**
 * Turns pytest's `/home/ci/project/tests/test_a.py:3: Skipped: reason` into `tests/test_a.py:3: reason`. Returns null for a message without
 * a place. `file` is the test's own file, as in its node id.
 */
export function skipReason(message: string, file: string): string | null {
  const [, path, line = '', reason] = /^(.*?):(\d+|None): (?:Skipped: )?(.*)$/s.exec(message) ?? [];
  if (path === undefined) return null;
  const place = path === '' || path === file || path.endsWith(`/${file}`) ? file : path;
  return `${place}${/^\d+$/.test(line) ? `:${line}` : ''}: ${reason}`;
}
