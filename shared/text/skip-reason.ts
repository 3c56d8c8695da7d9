// Why a test was skipped, without the path that its file has on the machine that ran it.

/**
 * `tests/test_a.py:3: reason`, from pytest's `/home/ci/project/tests/test_a.py:3: Skipped: reason`; null for a message that names no place. `file`: the
 * test's own, as its node id names it.
 */
export function skipReason(message: string, file: string): string | null {
  const [, path, line = '', reason] = /^(.*?):(\d+|None): (?:Skipped: )?(.*)$/s.exec(message) ?? [];
  if (path === undefined) return null;
  const place = path === '' || path === file || path.endsWith(`/${file}`) ? file : path;
  return `${place}${/^\d+$/.test(line) ? `:${line}` : ''}: ${reason}`;
}
