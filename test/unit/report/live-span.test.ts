// The duration of a run on the dashboard.

import { expect, test } from 'vitest';
import { closedAt, endOr, type LiveSpan, testEndedAt } from '../../../coordinator/web/live-span.ts';

const running: LiveSpan = { kind: 'running', lastAt: 1000 };

test('a run lasts until now, or until the end of its last test if that agent’s clock is ahead', () => {
  expect(endOr(running, 5000)).toBe(5000);
  expect(endOr(testEndedAt(running, 6000), 5000)).toBe(6000);
});

test('a test that ended before another one changes nothing', () => {
  const span = testEndedAt(running, 6000);
  expect(testEndedAt(span, 4000)).toBe(span);
});

test('a closed run keeps its end, whatever the time is', () => {
  const closed = closedAt(testEndedAt(running, 6000), 7000);
  expect(closed).toEqual({ kind: 'ended', at: 7000 });
  expect(endOr(closed, 9000)).toBe(7000);
  expect(testEndedAt(closed, 8000)).toBe(closed);
});

test('a run does not end before its last test', () => {
  expect(closedAt(testEndedAt(running, 6000), 5000)).toEqual({ kind: 'ended', at: 6000 });
});
