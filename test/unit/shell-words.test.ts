import { expect, test } from 'vitest';
import { shellCommand } from '../../shared/text/shell-quote.ts';

test('quotes words with spaces or quotes, and empty words, so that a command can be pasted into a shell', () => {
  expect(shellCommand(['pytest', '-k', 'not slow', 'a/test_b.py::test_c[x y]', "it's", ''])).toBe(
    `pytest -k 'not slow' 'a/test_b.py::test_c[x y]' 'it'\\''s' ''`,
  );
});
