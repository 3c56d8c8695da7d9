// Shortens a traceback to one line if pytest itself has no summary of it.

import { expect, test } from 'vitest';
import { briefOf } from '../../shared/text/brief.ts';

test.each([
  ['pytest marks it with E', 'def f():\n>   assert 0\nE   AssertionError: why\nE   not\n\nt.py:1: AssertionError', 'AssertionError: why'],
  [
    'of a chain the last one counts',
    'E   OSError: inner\n\nDuring handling of the above exception, another exception occurred:\n\nE   RuntimeError: outer',
    'RuntimeError: outer',
  ],
  [
    'Python marks it by no indentation',
    'Traceback (most recent call last):\n  File "t.py", line 1, in t\n    f()\nValueError: first\nsecond',
    'ValueError: first',
  ],
  ['else it is what comes first', 'boom\nsecond\nthird', 'boom'],
  ['of nothing it is nothing', '', ''],
])('%s', (_, message, brief) => {
  expect(briefOf(message)).toBe(brief);
});
