import { expect, test } from 'vitest';
import { livingAgents } from '../../../coordinator/core/state/run-state.ts';
import { attemptId, nodeId, shardId, testFile } from '../../../shared/domain/ids.ts';
import {
  a1,
  a2,
  collected,
  collectFailed,
  crashed,
  ended,
  enqueued,
  finished,
  givenUp,
  joined,
  left,
  lost,
  opened,
  reported,
  shardOf,
  started,
  stateAfter,
  tick,
} from './run-kit.ts';

const oneFile = opened([shardOf(1, ['test_a.py'])]);
const t1 = 'test_a.py::test_1';
const t2 = 'test_a.py::test_2';
const running = [joined(a1), enqueued(1), started(a1, 1), reported(a1, 1, 1, collected('test_a.py', [t1, t2]))];

const stateOf = (state: ReturnType<typeof stateAfter>, shard = 1) => state.shards.get(shardId(shard))?.state.kind;
const attemptState = (state: ReturnType<typeof stateAfter>, fence = 1) => state.attempts.get(attemptId(shardId(1), fence))?.state;

test('a shard is done when all its files are collected and every announced test has an outcome', () => {
  expect(stateOf(stateAfter(oneFile, ...running, reported(a1, 1, 1, finished(t1))))).toBe('open');
  expect(stateOf(stateAfter(oneFile, ...running, reported(a1, 1, 1, finished(t1)), reported(a1, 1, 1, finished(t2))))).toBe('done');
  expect(stateOf(stateAfter(oneFile, enqueued(1), reported(a1, 1, 1, collected('test_a.py', []))))).toBe('done');
});

test('keeps the first result of a test and drops a second one from another agent', () => {
  const state = stateAfter(
    oneFile,
    ...running,
    reported(a1, 1, 1, finished(t1, 'failed')),
    enqueued(1, 2),
    reported(a2, 1, 2, finished(t1)),
  );
  expect(state.tests.get(nodeId(t1))?.accepted).toMatchObject({ agent: a1, result: { outcome: 'failed' } });
  expect(state).toMatchObject({ failures: 1, duplicatesDropped: 1 });
});

test('ignores the events of an attempt that was never enqueued', () => {
  const events = [started(a1, 1, 7), reported(a1, 1, 7, finished(t1)), ended(a1, 1, 7), started(a1, 99)];
  const { rejections, ...state } = stateAfter(oneFile, joined(a1), ...events);
  expect({ ...state, rejections: new Map() }).toEqual(stateAfter(oneFile, joined(a1)));
  expect([...rejections.values()]).toEqual([{ agent: a1, why: 'not-holding', messages: 4 }]);
});

test('an ending is final: neither a later start nor another ending changes it', () => {
  const state = stateAfter(oneFile, ...running, ended(a1, 1, 1, crashed()), started(a2, 1), ended(a2, 1));
  expect(attemptState(state)).toMatchObject({ kind: 'ended', agent: a1, ending: { kind: 'crashed' } });
});

test('a lost agent loses the attempts that it has taken or runs', () => {
  const taken = { kind: 'attempt-taken', at: 1500, attempt: attemptId(shardId(1), 1), agent: a1 } as const;
  expect(attemptState(stateAfter(oneFile, joined(a1), enqueued(1), taken))).toEqual({ kind: 'taken', agent: a1 });
  for (const before of [[joined(a1), enqueued(1), taken], running]) {
    expect(attemptState(stateAfter(oneFile, ...before, lost(a1)))).toMatchObject({ kind: 'ended', ending: { kind: 'lost' } });
  }
});

test('late results of a lost agent still count and complete the shard', () => {
  const state = stateAfter(oneFile, ...running, lost(a1), reported(a1, 1, 1, finished(t1)), reported(a1, 1, 1, finished(t2)));
  expect(state.shards.get(shardId(1))?.state).toMatchObject({ kind: 'done', accepted: 's1.1' });
});

test('a lost agent that starts an attempt is alive again; an agent that left is not', () => {
  const two = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])]);
  expect(livingAgents(stateAfter(two, ...running, lost(a1), enqueued(2), started(a1, 2)))).toEqual([a1]);
  expect(livingAgents(stateAfter(two, ...running, left(a1), enqueued(2), started(a1, 2), joined(a1)))).toEqual([]);
});

test('an agent that leaves hands back attempts it has not started, and a stale attempt-taken is ignored', () => {
  const taken = { kind: 'attempt-taken', at: 1500, attempt: attemptId(shardId(1), 1), agent: a1 } as const;
  const state = stateAfter(oneFile, joined(a1), enqueued(1), taken, left(a1), taken);
  expect(attemptState(state)).toEqual({ kind: 'enqueued' });
});

test('the wait for agents starts when the last one is lost, and any event of an agent restarts it', () => {
  expect(stateAfter(oneFile).aloneSince).toBe(1000);
  expect(stateAfter(oneFile, joined(a1)).aloneSince).toBeNull();
  expect(stateAfter(oneFile, ...running, lost(a1, 5000), tick(8000)).aloneSince).toBe(5000);
  expect(stateAfter(oneFile, ...running, lost(a1, 5000), tick(8000), reported(a1, 1, 1, finished(t1))).aloneSince).toBe(8000);
});

test('late results complete a shard that was given up', () => {
  const twice = opened([shardOf(1, ['test_a.py'])], { attemptLimit: 2 });
  const given = [...running, ended(a1, 1, 1, crashed()), enqueued(1, 2), ended(a1, 1, 2), givenUp(1)];
  expect(stateOf(stateAfter(twice, ...given))).toBe('given-up');
  expect(stateOf(stateAfter(twice, ...given, reported(a1, 1, 1, finished(t1)), reported(a1, 1, 2, finished(t2))))).toBe('done');
});

test("an attempt that an agent's shutdown interrupts does not use up the attempts of its shard", () => {
  const once = opened([shardOf(1, ['test_a.py'])], { attemptLimit: 1 });
  expect(stateOf(stateAfter(once, ...running, ended(a1, 1, 1, { kind: 'interrupted', by: 'shutdown' })))).toBe('open');
});

test('a file that failed to collect is done when its attempt ends and its announced tests have results', () => {
  const events = [
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, collectFailed('test_a.py')),
    reported(a1, 1, 1, collected('test_a.py', [t1])),
  ];
  expect(stateOf(stateAfter(oneFile, ...events.slice(0, 3)))).toBe('open');
  expect(stateOf(stateAfter(oneFile, ...events.slice(0, 3), ended(a1, 1)))).toBe('done');
  expect(stateOf(stateAfter(oneFile, ...events, ended(a1, 1)))).toBe('open');
  expect(stateOf(stateAfter(oneFile, ...events, reported(a1, 1, 1, finished(t1)), ended(a1, 1)))).toBe('done');
});

test('a directory that failed to collect settles the files below it in every shard whose attempts have ended', () => {
  const two = opened([shardOf(1, ['pkg/test_a.py']), shardOf(2, ['pkg/test_b.py'])]);
  const events = [enqueued(1), enqueued(2), ended(a2, 2, 1, crashed()), reported(a1, 1, 1, collectFailed('pkg')), ended(a1, 1)];
  const state = stateAfter(two, ...events);
  expect([stateOf(state, 1), stateOf(state, 2)]).toEqual(['done', 'done']);
  expect(state.failures).toBe(1);
});

test('counts a broken directory once, even when discovery and several attempts report it', () => {
  const two = opened([shardOf(1, ['pkg/test_a.py']), shardOf(2, ['pkg/test_b.py'])], {
    collectErrors: [{ file: 'pkg', message: 'first' }],
  });
  const state = stateAfter(
    two,
    enqueued(1),
    enqueued(2),
    reported(a1, 1, 1, collectFailed('pkg')),
    reported(a2, 2, 1, collectFailed('pkg', 'other')),
  );
  expect(state.failures).toBe(1);
});

test('does not expect tests that a second attempt announces for a shard that is done', () => {
  const done = [...running, reported(a1, 1, 1, finished(t1)), enqueued(1, 2, 'backup'), reported(a1, 1, 1, finished(t2))];
  const state = stateAfter(
    oneFile,
    ...done,
    reported(a2, 1, 2, collected('test_a.py', [t1, 'test_a.py::test_3'])),
    ended(a2, 1, 2, crashed()),
  );
  expect([...state.tests.keys()]).toEqual([t1, t2]);
  expect(stateOf(state)).toBe('done');
});

test('keeps the result of a test that was not announced', () => {
  const state = stateAfter(oneFile, enqueued(1), reported(a1, 1, 1, finished('test_z.py::test_1', 'failed')));
  expect(state.tests.get(nodeId('test_z.py::test_1'))?.file).toBe(testFile('test_z.py'));
  expect(state.failures).toBe(1);
});

test('the first cause wins: keeps the first of two interrupts, closings and reasons', () => {
  const state = stateAfter(
    oneFile,
    { kind: 'interrupt-requested', at: 2000, by: 'SIGINT' },
    { kind: 'interrupt-requested', at: 2001, by: 'SIGTERM' },
    { kind: 'run-closed', at: 2002, why: { kind: 'stopped', notRun: 'cancelled', by: 'cancelled' } },
    { kind: 'run-closed', at: 2003, why: { kind: 'done' } },
    { kind: 'no-agent-can-come', at: 2004, message: 'first' },
    { kind: 'no-agent-can-come', at: 2005, message: 'second' },
  );
  expect(state).toMatchObject({ interruptedBy: 'SIGINT', closed: { at: 2002 }, noAgentCanCome: 'first', coordinatorAt: 2005 });
});

test('only the coordinator moves the time of a run, and never backwards; agents do not', () => {
  const reported = [joined(a1, 90_000), started(a1, 1, 1, 91_000), left(a1, 92_000)];
  expect(stateAfter(oneFile, enqueued(1), ...reported).coordinatorAt).toBe(1000);
  expect(stateAfter(oneFile, enqueued(1), ...reported, tick(3000), tick(2000)).coordinatorAt).toBe(3000);
});
