// Tasks that were sent ahead, and which worker runs them.

import { expect, test } from 'vitest';
import { createSentAhead } from '../../../agent/pytest/sent-ahead.ts';

function setUp() {
  const taken = new Set<string>();
  const gone = new Set<string>();
  let claims = 0;
  const ahead = createSentAhead<string>({
    send: (worker) => !gone.has(worker),
    newClaim: () => String(++claims),
    takeBack: (claim) => !taken.has(claim),
  });
  return { ahead, taken, gone };
}

test('keeps no task for a worker that is gone', () => {
  const { ahead, gone } = setUp();
  gone.add('gw0');
  expect(ahead.send('gw0', 'a')).toBe(false);
  expect(ahead.of('gw0')).toBeUndefined();
});

test('recalls the oldest task that its worker has not begun', () => {
  const { ahead, taken } = setUp();
  for (const [worker, task] of [
    ['gw0', 'a'],
    ['gw1', 'b'],
    ['gw2', 'c'],
  ] as const)
    ahead.send(worker, task);
  taken.add('1');
  expect(ahead.recall()).toBe('b');
  expect(ahead.recall()).toBe('c');
  expect(ahead.recall()).toBeUndefined();
  expect(ahead.of('gw0')).toBe('a');
});

test('withdraws a task unless its worker has begun it', () => {
  const { ahead, taken } = setUp();
  ahead.send('gw0', 'a');
  ahead.send('gw1', 'b');
  taken.add('1');
  expect(ahead.withdraw('a')).toEqual({ kind: 'begun', worker: 'gw0' });
  expect(ahead.withdraw('b')).toEqual({ kind: 'withdrawn' });
  expect(ahead.withdraw('b')).toBeNull();
  expect(ahead.clear()).toEqual(['a']);
});
