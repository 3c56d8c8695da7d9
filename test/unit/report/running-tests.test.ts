// The running test of each xdist worker, from agents' events.

import { expect, test } from 'vitest';
import { createRunningTests } from '../../../coordinator/core/state/attempts/running-tests.ts';
import type { AttemptEvent } from '../../../shared/domain/events.ts';
import { nodeId } from '../../../shared/domain/ids.ts';
import { a1, a2, ended, finished, joined, lost, reported } from '../core/run-kit.ts';

const began = (id: string, worker = 'gw0'): AttemptEvent => ({ kind: 'test-started', at: 5, nodeid: nodeId(id), worker });

function after(...events: Parameters<ReturnType<typeof createRunningTests>['observe']>[0][]): string[] {
  const running = createRunningTests((byAgentAt) => byAgentAt + 100);
  for (const event of events) running.observe(event);
  return running
    .lanes()
    .map(({ agent, worker, test: { nodeid, beganAt }, endedAt }) => `${agent} ${worker} ${nodeid} ${endedAt === null ? beganAt : 'done'}`);
}

test('a worker runs the test that it started until that test finishes', () => {
  const both = [joined(a1), reported(a1, 1, 1, began('a.py::t')), reported(a1, 2, 1, began('b.py::t', 'gw1'))] as const;
  expect(after(...both)).toEqual(['a1 gw0 a.py::t 105', 'a1 gw1 b.py::t 105']);
  expect(after(...both, reported(a1, 1, 1, finished('a.py::t')))).toEqual(['a1 gw0 a.py::t done', 'a1 gw1 b.py::t 105']);
  expect(after(...both, reported(a1, 1, 1, finished('a.py::other')))).toEqual(after(...both));
});

test('the end of an attempt or the loss of an agent ends its running tests', () => {
  const both = [joined(a1), joined(a2), reported(a1, 1, 1, began('a.py::t')), reported(a2, 2, 1, began('b.py::t'))] as const;
  expect(after(...both, ended(a1, 1))).toEqual(['a1 gw0 a.py::t done', 'a2 gw0 b.py::t 105']);
  expect(after(...both, lost(a2))).toEqual(['a1 gw0 a.py::t 105']);
});

test('a replacement worker takes the lane of the worker that it replaces', () => {
  const events = [joined(a1, 1000, 1), reported(a1, 1, 1, began('a.py::t')), reported(a1, 1, 1, finished('a.py::t'))] as const;
  expect(after(...events, reported(a1, 1, 1, began('a.py::u', 'gw1')))).toEqual(['a1 gw1 a.py::u 105']);
});
