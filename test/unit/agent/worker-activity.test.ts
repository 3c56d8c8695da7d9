import { expect, test } from 'vitest';
import { createWorkerActivity } from '../../../agent/core/worker-activity.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';

const [a, b] = [testFile('test_a.py'), testFile('test_b.py')];
const [one, two] = [nodeId('test_a.py::one'), nodeId('test_a.py::two')];
const nothing = { test: null, collecting: null, tearingDownAfter: null };

test('a worker that ends names everything that it was doing, once', () => {
  const activity = createWorkerActivity();
  activity.startCollecting('gw0', b);
  activity.startTest('gw0', { nodeid: two, startedAt: 5 });
  activity.startTeardown('gw0', one);
  expect(activity.end('gw1')).toEqual(nothing);
  expect(activity.end('gw0')).toEqual({ test: { nodeid: two, startedAt: 5 }, collecting: b, tearingDownAfter: one });
  expect(activity.end('gw0')).toEqual(nothing);
});

test('a worker that ends does not name what it had finished', () => {
  const activity = createWorkerActivity();
  activity.startTest('gw0', { nodeid: one, startedAt: 1 });
  activity.endTest('gw0');
  activity.startTeardown('gw0', one);
  activity.endTeardown('gw0');
  activity.startCollecting('gw0', a);
  activity.endCollecting('gw0', null);
  expect(activity.end('gw0')).toEqual(nothing);
});

test('the end of another collection does not end the current one', () => {
  const activity = createWorkerActivity();
  activity.startCollecting('gw0', a);
  activity.endCollecting('gw0', b);
  expect(activity.end('gw0').collecting).toBe(a);
});

test('names the test that started first as the running one until it ends', () => {
  const activity = createWorkerActivity();
  expect(activity.running()).toBeNull();
  activity.startTest('gw1', { nodeid: two, startedAt: 1 });
  activity.startTest('gw0', { nodeid: one, startedAt: 2 });
  expect(activity.running()).toBe(two);
  activity.endTest('gw1');
  expect(activity.running()).toBe(one);
});
