// How the time of a run breaks down into phases.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { breakDown, type Measured } from '../../../coordinator/core/result/breakdown.ts';
import { type AgentId, agentId } from '../../../shared/domain/ids.ts';
import type { Phase } from '../../../shared/domain/report.ts';
import {
  a1,
  a2,
  collected,
  ended,
  enqueued,
  finished,
  joined,
  left,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
} from './run-kit.ts';

const measured: Measured = {
  startedAt: 0,
  firstEnqueuedAt: 1000,
  closedAt: 11_000,
  collectionSeconds: 2,
  executionSeconds: 10,
  lostSeconds: 0,
  spans: [
    { agent: a1, firstAt: 2000, lastAt: 10_000 },
    { agent: a1, firstAt: 4000, lastAt: 8000 },
  ],
  workersOf: new Map([[a1, 2]]),
  goneAtOf: new Map(),
};
const secondsOf = (changes: Partial<Measured> = {}): Record<Phase, number> => {
  const breakdown = breakDown({ ...measured, ...changes });
  return Object.fromEntries(Object.entries(breakdown).map(([phase, { seconds }]) => [phase, seconds])) as Record<Phase, number>;
};

test('every xdist worker waits for pytest, runs tests, and waits for the last one', () => {
  expect(secondsOf()).toEqual({
    preparation: 1,
    'start-up': 2,
    collection: 1,
    execution: 5,
    between: 0,
    lost: 0,
    imbalance: 1,
    ending: 1,
  });
});

test('an xdist worker without work counts the shortest start-up, then waits for the last one', () => {
  expect(
    secondsOf({
      workersOf: new Map([
        [a1, 2],
        [a2, 2],
      ]),
    }),
  ).toMatchObject({ 'start-up': 1.5, imbalance: 4.5 });
});

test('does not count the replacement of a dead xdist worker as another worker', () => {
  const spans = [...measured.spans, { agent: a1, firstAt: 8500, lastAt: 9000 }];
  expect(secondsOf({ spans })).toMatchObject({ 'start-up': 2, imbalance: 0.5 });
});

test('shares add up to 1, no phase is negative, and the phases fill the makespan, whatever the clocks read', () => {
  const at = fc.integer({ min: -20_000, max: 40_000 });
  const span = fc.record({ agent: fc.constantFrom<AgentId>(a1, a2, agentId('unknown')), firstAt: at, lastAt: at });
  fc.assert(
    fc.property(fc.array(span), fc.nat(20), fc.nat(20), (spans, collectionSeconds, executionSeconds) => {
      const breakdown = breakDown({ ...measured, spans, collectionSeconds, executionSeconds });
      const parts = Object.values(breakdown);
      expect(Math.min(...parts.map(({ seconds }) => seconds))).toBeGreaterThanOrEqual(0);
      expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
      const { preparation, ...middle } = breakdown;
      expect(Object.values(middle).reduce((sum, { seconds }) => sum + seconds, 0)).toBeGreaterThanOrEqual(10 - 1e-9);
    }),
  );
});

test('counts work that another attempt repeats as lost, but not an event that is received twice', () => {
  const id = 'test_a.py::test_1';
  const first = [reported(a1, 1, 1, collected('test_a.py', [id])), reported(a1, 1, 1, finished(id))];
  const again = [reported(a2, 1, 2, collected('test_a.py', [id])), reported(a2, 1, 2, finished(id))];
  const events = [joined(a1), joined(a2), enqueued(1), started(a1, 1), ...first, enqueued(1, 2), started(a2, 1, 2)];
  const lostOf = (...more: typeof events) =>
    reportOf(stateAfter(opened([shardOf(1, ['test_a.py'])]), ...events, ...more, ended(a1, 1), left(a1))).profile.breakdown?.lost.seconds;
  expect(lostOf()).toBe(0);
  expect(lostOf(...first)).toBe(0);
  // A collection of 0.5 s and a test of 0.25 s, spread over four workers.
  expect(lostOf(...again)).toBeCloseTo(0.75 / 4);
  expect(lostOf(...again, ...again)).toBeCloseTo(0.75 / 4);
});
