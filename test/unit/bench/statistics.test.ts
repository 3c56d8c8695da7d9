// The statistics of the published benchmark.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { finishedRounds, type Round, type Sample } from '../../../bench/published/results.ts';
import { pairedRatios, spread, valuesOf } from '../../../bench/published/statistics.ts';

const took = (seconds: number): Sample => ({ seconds, cpuSeconds: seconds * 2, firstFailureSeconds: null });
const round = (samples: Readonly<Record<string, Sample>>, cache: Round['cache'] = 'cold'): Round => ({
  cache,
  at: '2026-11-01T10:00:00.000Z',
  load: 1,
  samples,
});

test.each([
  [[3], { count: 1, lower: 3, median: 3, upper: 3 }],
  [[4, 1], { count: 2, lower: 1.75, median: 2.5, upper: 3.25 }],
  [[5, 1, 3], { count: 3, lower: 2, median: 3, upper: 4 }],
  [[1, 2, 3, 4, 100], { count: 5, lower: 2, median: 3, upper: 4 }],
])('the spread of %j has its median and interpolated quartiles', (values, expected) => {
  expect(spread(values)).toEqual(expected);
});

test('an empty list has no spread', () => {
  expect(spread([])).toBeNull();
});

test('quartiles enclose the median and lie within the values', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
      const found = spread(values);
      if (found === null) throw new Error('no spread');
      const ordered = [Math.min(...values), found.lower, found.median, found.upper, Math.max(...values)];
      expect(ordered).toEqual(ordered.toSorted((left, right) => left - right));
    }),
  );
});

test('pairs times of one round, not medians', () => {
  const rounds = [round({ own: took(1), other: took(2) }), round({ own: took(30), other: took(20) })];
  expect(pairedRatios(rounds, 'cold', 'own', 'other')).toEqual([0.5, 1.5]);
});

test('ignores other caches, and rounds in which one of the two failed or was not measured', () => {
  const rounds = [
    round({ own: took(1), other: took(4) }),
    round({ own: took(1), other: took(1) }, 'warm'),
    round({ own: took(1) }),
    round({ own: { failed: 'exit code 3' }, other: took(1) }),
  ];
  expect(pairedRatios(rounds, 'cold', 'own', 'other')).toEqual([0.25]);
  expect(valuesOf(rounds, 'cold', 'own', 'cpuSeconds')).toEqual([2, 2]);
  expect(valuesOf(rounds, 'cold', 'own', 'firstFailureSeconds')).toEqual([]);
});

test('a round is finished only if it has every peer; a failed command counts', () => {
  const rounds = [round({ a: took(1), b: { failed: 'exit code 3' } }), round({ a: took(1) })];
  expect(finishedRounds(rounds, 'cold', ['a', 'b'])).toEqual([rounds[0]]);
});
