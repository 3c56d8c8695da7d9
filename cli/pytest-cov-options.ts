// Finds pytest-cov's options among those of a run. They mean the same as for pytest, at any position.

/** Options with a value, which may be the next word. `--cov` takes the next word if that is not an option. */
const WITH_VALUE = new Set(['--cov-report', '--cov-config', '--cov-fail-under', '--cov-context', '--cov-precision']);
const ALONE = new Set(['--cov-branch', '--cov-append', '--cov-reset', '--no-cov', '--no-cov-on-fail']);

/** Splits `words` into pytest-cov's and the others, each in order. */
export function takeCoverageWords(words: readonly string[]): { readonly own: readonly string[]; readonly coverage: readonly string[] } {
  const own: string[] = [];
  const coverage: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [name = ''] = word.split('=', 1);
    const next = words[at + 1];
    if (name !== '--cov' && !WITH_VALUE.has(name) && !ALONE.has(word)) {
      own.push(word);
      continue;
    }
    coverage.push(word);
    const takesNext = word === name && next !== undefined && (WITH_VALUE.has(name) || (name === '--cov' && !next.startsWith('-')));
    if (!takesNext) continue;
    coverage.push(next);
    at += 1;
  }
  return { own, coverage };
}
