// How long a closed run waits for its agents.

import { expect, test } from 'vitest';
import { isOver } from '../../../coordinator/core/decide/run-end.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { a1, closedDone, joined, left, lost, opened, shardOf, stateAfter } from './run-kit.ts';

const opening = opened([shardOf(1, ['test_a.py'])]);
const stopped: CoordinatorEvent = { kind: 'run-closed', at: 6000, why: { kind: 'stopped', notRun: 'cancelled', by: 'cancelled' } };

test('an open run is not over, even without agents', () => {
  expect(isOver(stateAfter(opening), 1000, 100_000)).toBe(false);
});

test('a closed run is over as soon as no agent is alive or Redis is lost', () => {
  expect(isOver(stateAfter(opening, closedDone()), 1000, 6000)).toBe(true);
  expect(isOver(stateAfter(opening, joined(a1), closedDone(), left(a1)), 1000, 6000)).toBe(true);
  expect(isOver(stateAfter(opening, joined(a1), lost(a1), closedDone()), 1000, 6000)).toBe(true);
  expect(isOver(stateAfter(opening, joined(a1), { kind: 'redis-lost', at: 5000, message: '' }, closedDone()), 1000, 6000)).toBe(true);
});

test('a complete run waits 40 s for its agents, a stopped one 10 s', () => {
  expect(isOver(stateAfter(opening, joined(a1), closedDone()), 1000, 45_999)).toBe(false);
  expect(isOver(stateAfter(opening, joined(a1), closedDone()), 1000, 46_000)).toBe(true);
  expect(isOver(stateAfter(opening, joined(a1), stopped), 1000, 15_999)).toBe(false);
  expect(isOver(stateAfter(opening, joined(a1), stopped), 1000, 16_000)).toBe(true);
});

test('a run that an earlier coordinator closed waits from the time of its resumption', () => {
  expect(isOver(stateAfter(opening, joined(a1), stopped), 50_000, 59_999)).toBe(false);
  expect(isOver(stateAfter(opening, joined(a1), stopped), 50_000, 60_000)).toBe(true);
});

test('a closed run with a deadline waits no longer than until its reports are due', () => {
  const limited = stateAfter({ ...opening, deadline: { seconds: 10, reserveSeconds: 2 } }, joined(a1), closedDone());
  expect(isOver(limited, 1000, 7999)).toBe(false);
  expect(isOver(limited, 1000, 8000)).toBe(true);
});
