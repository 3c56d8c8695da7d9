// Counts the tests that were not run, from the run itself and from earlier runs.

import { expect, test } from 'vitest';
import { knownBelow, knownTests } from '../../../coordinator/core/result/not-run.ts';
import { nodeId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import type { Timings } from '../../../shared/domain/suite/timings.ts';
import { a1, collected, enqueued, finished, joined, opened, reported, reportOf, shardOf, started, stateAfter } from './run-kit.ts';

const timing = (...ids: readonly string[]) => ({
  seconds: 1,
  collectSeconds: 0,
  fixtureSeconds: 0,
  tests: new Map(ids.map((id) => [nodeId(id), 0.1])),
  lastRuns: new Map(),
});
const timings: Timings = new Map([
  [testFile('t/a.py'), timing('t/a.py::test_1', 't/a.py::test_2[x]', 't/a.py::test_2[y]', 't/a.py::TestA::test_3')],
  [testFile('t/b.py'), timing('t/b.py::test_1')],
]);
const stopped = (reason: NotRunReason) =>
  ({ kind: 'run-closed', at: 6000, why: { kind: 'stopped', notRun: reason, by: 'cancelled' } }) as const;

test('counts the tests of a file, of a name that covers several, and below a directory from earlier runs', () => {
  const files = [
    { file: testFile('t/a.py'), nodeids: ['t/a.py::test_2', 't/a.py::TestA', 't/a.py::test_new'].map(nodeId) },
    { file: testFile('t/b.py'), nodeids: null },
    { file: testFile('t/new.py'), nodeids: null },
  ];
  expect(knownTests(files, timings)).toEqual({ 't/a.py::test_2': 2, 't/a.py::TestA': 1, 't/b.py': 1 });
  expect(knownBelow('t', timings)).toEqual({ t: 5 });
  expect(knownBelow('.', timings)).toEqual({ '.': 5 });
  expect(knownBelow('other', timings)).toEqual({});
});

test.each(['deadline', 'cancelled', 'maxfail', 'no-agent'] as const)('counts tests, not files, in a run that %s ended', (reason) => {
  const shards = [shardOf(1, ['t/a.py']), shardOf(2, ['t/b.py']), shardOf(3, ['t/c.py'])];
  const opening = opened(shards, { knownTests: { 't/a.py': 100, 't/b.py': 40 }, deadline: { seconds: 60, reserveSeconds: 1 } });
  const running = [
    joined(a1),
    enqueued(3),
    started(a1, 3),
    reported(a1, 3, 1, collected('t/c.py', ['t/c.py::test_1', 't/c.py::test_2', 't/c.py::test_3'])),
  ];
  const report = reportOf(stateAfter(opening, ...running, reported(a1, 3, 1, finished('t/c.py::test_1')), stopped(reason)));
  expect(report.totals).toMatchObject({ expected: 143, passed: 1, notRun: 142, notRunIsLeast: false });
  expect(report.notRun.map(({ nodeid, tests }) => [nodeid, tests])).toEqual([
    ['t/a.py', 100],
    ['t/b.py', 40],
    ['t/c.py::test_2', 1],
    ['t/c.py::test_3', 1],
  ]);
  expect(report.deadline).toMatchObject({ met: false, overshootSeconds: 0 });
});

test('counts an unknown file as at least one test', () => {
  const report = reportOf(stateAfter(opened([shardOf(1, ['t/new.py', 'constructor'])]), stopped('deadline')));
  expect(report.totals).toMatchObject({ expected: 2, notRun: 2, notRunIsLeast: true });
});

test('counts each test once when a file has several parts', () => {
  const file = testFile('t/a.py');
  const ids = ['t/a.py::test_1', 't/a.py::test_2[x]'].map(nodeId);
  const selectors: readonly Selector[] = [
    { kind: 'part', file, only: ids, except: [] },
    { kind: 'part', file, only: null, except: ids },
  ];
  const shards = selectors.map((selector, index) => ({ id: shardId(index + 1), selectors: [selector], predictedSeconds: 1 }));
  const report = reportOf(stateAfter(opened(shards, { knownTests: knownTests([{ file, nodeids: null }], timings) }), stopped('deadline')));
  expect(report.totals).toMatchObject({ notRun: 4, notRunIsLeast: false });
});
