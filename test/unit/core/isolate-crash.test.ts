import { expect, test } from 'vitest';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import { halve } from '../../../coordinator/core/decide/isolate-crash.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { shardId } from '../../../shared/domain/ids.ts';
import {
  a1,
  a2,
  collected,
  crashed,
  decideAll,
  ended,
  enqueued,
  finished,
  joined,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
} from './run-kit.ts';

const ids = [1, 2, 3].map((index) => `test_a.py::test_${index}`);
const [t1 = '', t2 = '', t3 = ''] = ids;
const run = opened([shardOf(1, ['test_a.py', 'test_b.py']), shardOf(2, ['test_c.py'])]);
const crash = (shard: number, fence: number): CoordinatorEvent[] => [
  enqueued(shard, fence),
  started(a1, shard, fence),
  ended(a1, shard, fence, crashed()),
];
const otherDone = [enqueued(2), reported(a2, 2, 1, collected('test_c.py', [])), ended(a2, 2)];
const twice = [
  joined(a1),
  joined(a2),
  ...crash(1, 1),
  reported(a1, 1, 1, collected('test_a.py', ids)),
  reported(a1, 1, 1, finished(t1)),
  ...crash(1, 2),
];

test('retries a shard whole after its first crash, and halves what is unfinished after the second', () => {
  expect(decide(stateAfter(run, joined(a1), ...crash(1, 1), ...otherDone))).toEqual([
    { kind: 'start-attempt', shard: 's1', role: 'retry' },
  ]);
  const state = stateAfter(run, ...twice, ...otherDone);
  expect(decide(state)).toEqual([{ kind: 'split-shard', shard: 's1' }]);
  expect(halve(state, shardId(1))).toMatchObject([
    { id: 's3', selectors: [{ kind: 'tests', file: 'test_a.py', nodeids: [t2, t3] }] },
    { id: 's4', selectors: [{ kind: 'file', file: 'test_b.py' }] },
  ]);
});

test('runs the parts alone, one at a time, after everything else', () => {
  const state = stateAfter(run, ...twice, enqueued(2), started(a2, 2));
  expect(decideAll(state)).toEqual([{ kind: 'split-shard', shard: 's1' }]);
  for (const event of [reported(a2, 2, 1, collected('test_c.py', [])), ended(a2, 2)]) reduce(state, event);
  expect(decideAll(state)).toEqual([{ kind: 'start-attempt', shard: 's3', role: 'primary' }]);
  expect(nextAttempt(state, shardId(3), 'retry')).toMatchObject({ selectors: [{ kind: 'tests', nodeids: [t2, t3] }] });
});

test('halves a part after one crash, and gives up only the test that crashes its session up to the attempt limit', () => {
  const state = stateAfter(run, ...twice, ...otherDone);
  decideAll(state);
  const play = (...events: CoordinatorEvent[]) => {
    for (const event of events) reduce(state, event);
    return decideAll(state);
  };
  expect(play(started(a1, 3), ended(a1, 3, 1, crashed()))).toEqual([
    { kind: 'split-shard', shard: 's3' },
    { kind: 'start-attempt', shard: 's4', role: 'primary' },
  ]);
  play(started(a1, 4), reported(a1, 4, 1, collected('test_b.py', [])), ended(a1, 4));
  for (const fence of [1, 2, 3]) play(started(a1, 5, fence), ended(a1, 5, fence, crashed(t2)));
  play(started(a1, 6), reported(a1, 6, 1, finished(t3)), ended(a1, 6));
  expect(state.closed?.why).toEqual({ kind: 'done' });
  const report = reportOf(state);
  expect(report.tests.map(({ nodeid, outcome }) => [nodeid, outcome])).toEqual([
    [t1, 'passed'],
    [t3, 'passed'],
    [t2, 'error'],
  ]);
  expect(report.tests[2]?.attempts[0]?.message).toContain('It was running when pytest crashed (3 of 3)');
  expect(report).toMatchObject({ notRun: [], exitCode: 1, totals: { expected: 3 } });
});

test('reports a file that crashes its session before its tests are known as not run because of crash-limit', () => {
  const state = stateAfter(opened([shardOf(1, ['test_a.py'])]), joined(a1));
  for (const fence of [1, 2, 3]) {
    decideAll(state);
    for (const event of [started(a1, 1, fence), ended(a1, 1, fence, crashed())]) reduce(state, event);
  }
  decideAll(state);
  expect(reportOf(state)).toMatchObject({ notRun: [{ nodeid: 'test_a.py', kind: 'file', reason: 'crash-limit' }], exitCode: 11 });
});

test('counts late results of a split shard for its parts, which then need not run', () => {
  const state = stateAfter(run, ...twice, ...otherDone, reported(a1, 1, 2, collected('test_b.py', [])));
  expect(decideAll(state).map(({ kind }) => kind)).toEqual(['split-shard', 'start-attempt']);
  for (const id of [t2, t3]) reduce(state, reported(a1, 1, 2, finished(id)));
  reduce(state, ended(a2, 3));
  expect(decideAll(state).at(-1)).toEqual({ kind: 'close-run', why: { kind: 'done' } });
  expect(reportOf(state).totals).toMatchObject({ expected: 3, passed: 3, notRun: 0 });
});

test('stops a run at its crash limit, and gives that reason for every test that was not run', () => {
  const limited = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])], { crashLimit: 3 });
  const isCrash = { isCrash: true, message: 'killed by SIGSEGV' };
  const events = [
    joined(a1),
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, collected('test_a.py', ids)),
    reported(a1, 1, 1, finished(t1, 'error', isCrash)),
    reported(a1, 1, 1, finished(t2, 'error', isCrash)),
  ];
  expect(decide(stateAfter(limited, ...events, enqueued(2)))).toEqual([]);
  const state = stateAfter(limited, ...events, ...crash(2, 1));
  expect(decideAll(state)).toEqual([{ kind: 'close-run', why: { kind: 'stopped', notRun: 'crash-limit', by: 'cancelled' } }]);
  expect(reportOf(state)).toMatchObject({
    notRun: [
      { nodeid: t3, reason: 'crash-limit' },
      { nodeid: 'test_b.py', reason: 'crash-limit' },
    ],
    exitCode: 1,
  });
});
