// The gate before the first tests of a session.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createStartGate } from '../../../agent/pytest/session/start-gate.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const world = { isComplete: false, admitted: [] as string[], late: 0 };
  const gate = createStartGate({
    isComplete: () => world.isComplete,
    admit: (worker) => void world.admitted.push(worker),
    patienceMs: 1000,
    late: () => {
      world.late += 1;
    },
  });
  return { world, gate };
}

test('admits workers together when every one is ready, and later ones at once', () => {
  const { world, gate } = setUp();
  gate.arrive('gw0');
  expect(world.admitted).toEqual([]);
  world.isComplete = true;
  gate.arrive('gw1');
  expect(world.admitted).toEqual(['gw0', 'gw1']);
  world.isComplete = false;
  gate.arrive('gw2');
  expect(world.admitted).toEqual(['gw0', 'gw1', 'gw2']);
  vi.advanceTimersByTime(5000);
  expect(world.late).toBe(0);
});

test('does not admit a worker that died while it waited', () => {
  const { world, gate } = setUp();
  gate.arrive('gw0');
  gate.arrive('gw1');
  gate.leave('gw0');
  world.isComplete = true;
  gate.openIfComplete();
  expect(world.admitted).toEqual(['gw1']);
});

test('opens without a worker that makes no progress in time', () => {
  const { world, gate } = setUp();
  gate.expectOthers();
  vi.advanceTimersByTime(5000);
  gate.arrive('gw0');
  vi.advanceTimersByTime(999);
  gate.expectOthers();
  vi.advanceTimersByTime(999);
  expect([world.late, world.admitted]).toEqual([0, []]);
  vi.advanceTimersByTime(1);
  expect([world.late, world.admitted]).toEqual([1, ['gw0']]);
});

test('stays closed once its clock is stopped', () => {
  const { world, gate } = setUp();
  gate.arrive('gw0');
  gate.rest();
  vi.advanceTimersByTime(5000);
  expect([world.late, world.admitted]).toEqual([0, []]);
});
