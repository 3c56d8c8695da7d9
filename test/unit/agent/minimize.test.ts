// Delta debugging, and the order of replayed tests.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { minimize } from '../../../agent/core/minimize.ts';
import { groupByFile, testsOf } from '../../../agent/core/recorded-order.ts';
import type { BegunTest } from '../../../shared/domain/begun-test.ts';
import { agentId, attemptId, nodeId, shardId } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';

function least(items: readonly number[], fails: (items: readonly number[]) => boolean): { found: readonly number[]; tries: number } {
  const search = minimize(items);
  let tries = 0;
  let step = search.next();
  while (!step.done) {
    tries += 1;
    step = search.next(fails(step.value));
  }
  return { found: step.value, tries };
}
const upTo = (length: number): number[] => Array.from({ length }, (_, index) => index);

test('finds one culprit among a thousand in about as many tries as bisection', () => {
  const { found, tries } = least(upTo(1000), (items) => items.includes(617));
  expect(found).toEqual([617]);
  expect(tries).toBeLessThanOrEqual(20);
});

test('finds exactly the needed set, in its order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 5 }), (length, picks, culprits) => {
      const needed = new Set([...picks.take(culprits)].map((pick) => pick % length));
      const { found } = least(upTo(length), (items) => needed.isSubsetOf(new Set(items)));
      expect(found).toEqual([...needed].sort((left, right) => left - right));
    }),
  );
});

test('the result fails and is minimal, even if the cause is not a fixed set', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 10 }), (length, least_) => {
      const fails = (items: readonly number[]): boolean => items.length >= Math.min(least_, length);
      const { found } = least(upTo(length), fails);
      expect(fails(found)).toBe(true);
      expect(fails(found.slice(1))).toBe(false);
    }),
  );
});

const begun = (agent: string, worker: string, id: string, at: number, outcome: Outcome | null = 'passed'): BegunTest => ({
  agent: agentId(agent),
  worker,
  nodeid: nodeId(id),
  attempt: attemptId(shardId(1), 1),
  at,
  outcome,
});
const all = [
  begun('a1', 'gw0', 'a.py::1', 1),
  begun('a1', 'gw1', 'b.py::1', 2),
  begun('a2', 'gw0', 'c.py::1', 3),
  begun('a1', 'gw0', 'a.py::2', 4),
  begun('a1', 'gw1', 'a.py::2', 5, 'failed'),
  begun('a1', 'gw0', 'd.py::1', 6),
];
const ids = (tests: readonly BegunTest[]): string[] => tests.map(({ worker, nodeid }) => `${worker} ${nodeid}`);

test('replays an agent in the order in which its tests started, or one worker alone', () => {
  const a1 = agentId('a1');
  expect(ids(testsOf(all, { agent: a1, worker: null, upTo: null }))).toEqual([
    'gw0 a.py::1',
    'gw1 b.py::1',
    'gw0 a.py::2',
    'gw1 a.py::2',
    'gw0 d.py::1',
  ]);
  expect(ids(testsOf(all, { agent: a1, worker: 'gw0', upTo: null }))).toEqual(['gw0 a.py::1', 'gw0 a.py::2', 'gw0 d.py::1']);
  expect(testsOf(all, { agent: a1, worker: 'gw9', upTo: null })).toEqual([]);
});

test('bisects the tests before the failed attempt of a test', () => {
  expect(ids(testsOf(all, { agent: null, worker: null, upTo: nodeId('a.py::2') }))).toEqual(['gw1 b.py::1', 'gw1 a.py::2']);
  expect(ids(testsOf(all, { agent: null, worker: 'gw0', upTo: nodeId('a.py::2') }))).toEqual(['gw0 a.py::1', 'gw0 a.py::2']);
  expect(testsOf(all, { agent: null, worker: null, upTo: nodeId('z.py::1') })).toEqual([]);
});

test('groups consecutive tests of one file', () => {
  const groups = groupByFile(['a.py::1', 'a.py::2', 'b.py::1', 'a.py::3', 'a.py::3'].map(nodeId));
  expect(groups.map(({ file, nodeids }) => [file, ...nodeids])).toEqual([
    ['a.py', 'a.py::1', 'a.py::2'],
    ['b.py', 'b.py::1'],
    ['a.py', 'a.py::3'],
    ['a.py', 'a.py::3'],
  ]);
});
