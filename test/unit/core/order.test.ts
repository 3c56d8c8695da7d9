// Which shard starts first, and how past failures of its tests affect that.

import { expect, test } from 'vitest';
import { learnLastRuns } from '../../../coordinator/core/learn/last-runs.ts';
import { chanceOfFailure } from '../../../coordinator/core/plan/failure-chance.ts';
import { failureChances, inOrder, orderShards, shardChance } from '../../../coordinator/core/plan/order.ts';
import { isUnstable } from '../../../coordinator/core/result/history.ts';
import { type NodeId, nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { LastRuns } from '../../../shared/domain/suite/timings.ts';
import { a1, collected, ended, enqueued, finished, opened, reported, shardOf, started, stateAfter } from './run-kit.ts';

const t1 = 'test_a.py::test_1';
const opening = opened([shardOf(1, ['test_a.py'])]);
/** How the last of the runs with these outcomes of one test ended; null stands for a run that did not reach it. */
const lastRunsAfter = (...outcomes: readonly (Outcome | null)[]): LastRuns => {
  let known: ReadonlyMap<NodeId, LastRuns> = new Map();
  for (const outcome of outcomes) {
    const results = outcome === null ? [] : [reported(a1, 1, 1, finished(t1, outcome))];
    const state = stateAfter(opening, enqueued(1), reported(a1, 1, 1, collected('test_a.py', [t1])), ...results);
    const parts = [...state.shards.values()].flatMap((record) => [...record.files.values()]);
    known = learnLastRuns(known, parts, false);
  }
  return known.get(nodeId(t1)) ?? '';
};
const after = (...outcomes: readonly (Outcome | null)[]): number => chanceOfFailure(lastRunsAfter(...outcomes));

test('remembers a failure, weighs recent and frequent failures more, and forgets them in the end', () => {
  expect(after('failed')).toBeCloseTo(0.3);
  expect(after('error', 'failed')).toBeCloseTo(0.51);
  expect(after('failed', 'passed')).toBeCloseTo(0.21);
  expect(after('failed', null)).toBeCloseTo(0.3);
  expect(after('passed', 'skipped', 'xfailed')).toBe(0);
  expect(after('failed', ...Array.from({ length: 12 }, () => 'passed' as const))).toBe(0);
});

test('keeps how a test ended in its last ten runs, from its first failure until ten runs without one', () => {
  const passes = (count: number) => Array.from({ length: count }, () => 'passed' as const);
  expect(lastRunsAfter('passed', 'failed', 'passed', null, 'skipped', 'error')).toBe('FPSF');
  expect(lastRunsAfter('failed', ...passes(9))).toBe('FPPPPPPPPP');
  expect(lastRunsAfter('failed', ...passes(10))).toBe('');
});

test('a test is unstable if it failed, passed and failed again, or passed only when it ran again', () => {
  expect(['R', 'FPF', 'FPPSF', 'PR'].filter((lastRuns) => !isUnstable(lastRuns))).toEqual([]);
  expect(['', 'F', 'FFF', 'FFPP', 'FSF', 'FSSP'].filter(isUnstable)).toEqual([]);
});

const timing = (tests: number, lastRuns: LastRuns = '') => ({
  seconds: tests,
  collectSeconds: 0,
  fixtureSeconds: 0,
  tests: new Map(Array.from({ length: tests }, (_, index) => [nodeId(`test_x.py::test_${index}`), 1])),
  lastRuns: lastRuns === '' ? new Map() : new Map([[nodeId('test_x.py::test_0'), lastRuns]]),
});
const names = ['few.py', 'many.py', 'failed.py', 'new.py', 'pkg/sub/changed.py'].map(testFile);
const timings = new Map([
  [testFile('few.py'), timing(1)],
  [testFile('many.py'), timing(20)],
  [testFile('failed.py'), timing(1, 'F')],
  [testFile('pkg/sub/changed.py'), timing(1)],
]);

test('more tests, no history, a recent failure, or a changed file or conftest make a failure more likely', () => {
  const chances = failureChances(names, timings, new Set([testFile('pkg/conftest.py')]));
  const [few = 0, many = 0, failed = 0, unknown = 0, changed = 0] = names.map((name) => chances.get(name) ?? 0);
  const sorted = [few, many, unknown, failed, changed];
  expect(sorted).toEqual(sorted.toSorted((left, right) => left - right));
  expect(new Set(sorted).size).toBe(5);
  expect(failureChances(names, timings, new Set([testFile('few.py')])).get(testFile('few.py'))).toBe(0.5);
  expect(shardChance(shardOf(1, ['few.py', 'failed.py']), chances)).toBeCloseTo(1 - (1 - few) * (1 - failed));
});

test('keeps the planned order, or starts with recent failures or the most chance of failure per second', () => {
  const items = [
    { name: 'long', chance: 0.02, seconds: 60 },
    { name: 'failing', chance: 0.3, seconds: 30 },
    { name: 'quick', chance: 0.02, seconds: 1 },
  ];
  const namesIn = (order: 'longest' | 'failed-first' | 'value') => inOrder(items, order, (each) => each).map(({ name }) => name);
  expect(namesIn('longest')).toEqual(['long', 'failing', 'quick']);
  expect(namesIn('failed-first')).toEqual(['failing', 'long', 'quick']);
  expect(namesIn('value')).toEqual(['quick', 'failing', 'long']);
});

test('counts a flaky test as half a failure', () => {
  const twice = opened([shardOf(1, ['test_a.py'])], { reruns: { times: 1, limit: { kind: 'tests', tests: 5 } } });
  const first = [
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, collected('test_a.py', [t1])),
    reported(a1, 1, 1, finished(t1, 'failed')),
    ended(a1, 1),
  ];
  const state = stateAfter(twice, ...first, enqueued(1, 2, 'rerun'), reported(a1, 1, 2, finished(t1)));
  const parts = [...state.shards.values()].flatMap((record) => [...record.files.values()]);
  const lastRuns = learnLastRuns(new Map(), parts, true).get(nodeId(t1));
  expect(lastRuns).toBe('R');
  expect(chanceOfFailure(lastRuns ?? '')).toBeCloseTo(0.15);
  // The first failure was that of a broken agent.
  for (const test of state.tests.values()) test.isDoubted = true;
  expect(learnLastRuns(new Map(), parts, true).size).toBe(0);
});

test('shards are ordered by the chances of their files, which are kept for later decisions', () => {
  const shards = [shardOf(1, ['test_a.py'], 4), shardOf(2, ['test_b.py'], 2), shardOf(3, ['test_c.py'], 1)];
  const chances = new Map([
    [testFile('test_a.py'), 0.01],
    [testFile('test_b.py'), 0.5],
    [testFile('test_c.py'), 0.02],
  ]);
  const longest = orderShards(shards, 'longest', chances);
  expect(longest.shards.map(({ id }) => id)).toEqual(['s1', 's2', 's3']);
  expect(orderShards(shards, 'value', chances).shards.map(({ id }) => id)).toEqual(['s2', 's3', 's1']);
  expect(longest.failureChances).toEqual({ s1: expect.closeTo(0.01), s2: expect.closeTo(0.5), s3: expect.closeTo(0.02) });
});
