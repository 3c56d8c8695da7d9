// Lines of ours made to fit a terminal.

import { expect, test } from 'vitest';
import { wrap } from '../../../coordinator/reporters/summary/wrap.ts';

test('a line is broken behind its commas where it is too wide, and not at all where nobody says how wide it may be', () => {
  const line = 'time     14.6 s: set-up and discovery 2.25 s (15 %), collection 3.05 s (21 %), tests 8.26 s (57 %)';
  expect(wrap(line, 60)).toEqual([
    'time     14.6 s: set-up and discovery 2.25 s (15 %),',
    '         collection 3.05 s (21 %), tests 8.26 s (57 %)',
  ]);
  expect(wrap(line, 200)).toEqual([line]);
  expect(wrap(line, null)).toEqual([line]);
});

test('what has no place to be broken stays whole', () => {
  const line = `reports  ${'long/'.repeat(20)}report.html`;
  expect(wrap(line, 20)).toEqual([line]);
});
