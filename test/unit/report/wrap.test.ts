// Wraps lines to the width of a terminal.

import { expect, test } from 'vitest';
import { wrap } from '../../../coordinator/reporters/summary/wrap.ts';

test('breaks a line that is too wide after a comma, and no line without a known width', () => {
  const line = 'time     14.6 s: set-up and discovery 2.25 s (15 %), collection 3.05 s (21 %), tests 8.26 s (57 %)';
  expect(wrap(line, 60)).toEqual([
    'time     14.6 s: set-up and discovery 2.25 s (15 %),',
    '         collection 3.05 s (21 %), tests 8.26 s (57 %)',
  ]);
  expect(wrap(line, 200)).toEqual([line]);
  expect(wrap(line, null)).toEqual([line]);
});

test('keeps a line without commas whole', () => {
  const line = `reports  ${'long/'.repeat(20)}report.html`;
  expect(wrap(line, 20)).toEqual([line]);
});
