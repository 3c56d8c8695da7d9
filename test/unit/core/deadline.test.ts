// When a run with a deadline drains, interrupts, kills and merges.

import { expect, test } from 'vitest';
import { deadlineTimes, defaultReserveSeconds } from '../../../coordinator/core/state/deadline.ts';

test('the parts of a deadline keep their order and leave at least half of it to tests', () => {
  for (const [seconds, reserveSeconds] of [
    [300, 6],
    [10, 1],
    [2, 1],
    [1, 30],
  ] as const) {
    const times = deadlineTimes({ startedAt: 1000, deadline: { seconds, reserveSeconds } });
    if (times === null) throw new Error('no times');
    expect(times.endAt).toBe(1000 + seconds * 1000);
    expect(times.drainAt).toBeGreaterThanOrEqual(1000 + seconds * 500);
    const { drainAt, interruptAt, killAt, mergeAt, endAt } = times;
    const order = [drainAt, interruptAt, killAt, mergeAt, endAt];
    expect(order).toEqual(order.toSorted((left, right) => left - right));
    expect(new Set(order).size).toBe(5);
  }
});

test('gives no times without a deadline, and a default reserve', () => {
  expect(deadlineTimes({ startedAt: 0, deadline: null })).toBeNull();
  expect([5, 10, 600].map(defaultReserveSeconds)).toEqual([0.5, 1, 12]);
});

test.each([1, 5, 8, 10])('a deadline of %d s leaves at least 80 %% of it to start-up and tests', (seconds) => {
  const times = deadlineTimes({ startedAt: 0, deadline: { seconds, reserveSeconds: defaultReserveSeconds(seconds) } });
  expect(times?.drainAt).toBeGreaterThanOrEqual(seconds * 800 - 1e-6);
});
