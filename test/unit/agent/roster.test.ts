// Which workers of a session are ready, still starting, or gone.

import { expect, test } from 'vitest';
import { createRoster } from '../../../agent/pytest/session/roster.ts';

test('is complete once every first worker is ready, and never before pytest has sent their number', () => {
  const roster = createRoster();
  expect(roster.isComplete()).toBe(false);
  roster.expect(2);
  roster.ready('gw0', true);
  expect([roster.isComplete(), roster.isEmpty(), roster.hasBorn()]).toEqual([false, false, true]);
  roster.ready('gw1', true);
  expect(roster.isComplete()).toBe(true);
});

test('waits for the replacement of a lost worker, but not if the worker is not replaced', () => {
  const roster = createRoster();
  roster.expect(2);
  roster.ready('gw0', true);
  roster.lose('gw1', true);
  expect(roster.isComplete()).toBe(false);
  roster.lose('gw2', false);
  expect(roster.isComplete()).toBe(true);
  roster.retire('gw0');
  expect([roster.isComplete(), roster.isEmpty()]).toEqual([false, true]);
});

test('counts a worker with a different list as ready, but not among those that may run tests', () => {
  const roster = createRoster();
  roster.expect(1);
  roster.ready('gw0', false);
  expect([roster.isComplete(), roster.isEmpty(), roster.hasBorn()]).toEqual([true, true, true]);
});

test('a worker that becomes ready resets the count of workers in a row that died at their start', () => {
  const roster = createRoster();
  expect(['gw0', 'gw1', 'gw2'].map(roster.diedAtStart)).toEqual([false, false, false]);
  roster.ready('gw3', true);
  expect(roster.diedAtStart('gw3')).toBe(false);
  expect(['gw4', 'gw5', 'gw6', 'gw7'].map(roster.diedAtStart)).toEqual([false, false, false, true]);
});

test('knows the pid of each process that has connected', () => {
  const roster = createRoster();
  roster.meet('controller', 1);
  roster.meet('gw0', 2);
  expect([...roster.met()]).toEqual(['controller', 'gw0']);
  expect([roster.pidOf('gw0'), roster.pidOf('gw1')]).toEqual([2, undefined]);
});
