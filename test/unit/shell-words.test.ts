import { expect, test } from 'vitest';
import { shellCommand } from '../../shared/text/shell-quote.ts';

test('a command can be pasted into a shell: words with spaces, quotes, or none at all are quoted', () => {
  expect(shellCommand(['pytest', '-k', 'not slow', 'a/test_b.py::test_c[x y]', "it's", ''])).toBe(
    `pytest -k 'not slow' 'a/test_b.py::test_c[x y]' 'it'\\''s' ''`,
  );
});
