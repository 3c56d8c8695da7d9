import { expect, test } from 'vitest';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { shardId } from '../../../shared/domain/ids.ts';
import {
  a1,
  a2,
  closedDone,
  collected,
  collectFailed,
  crashed,
  decideAll,
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

const t1 = 'test_a.py::test_1';
const t2 = 'test_a.py::test_2';
const twoShards = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])]);
const oneShard = opened([shardOf(1, ['test_a.py'])]);
const running = [joined(a1), enqueued(1), started(a1, 1), reported(a1, 1, 1, collected('test_a.py', [t1, t2]))];
const passed = [reported(a1, 1, 1, finished(t1)), reported(a1, 1, 1, finished(t2))];

const closing = (opening: typeof oneShard, ...events: readonly CoordinatorEvent[]) =>
  decide(stateAfter(opening, ...events)).find((action) => action.kind === 'close-run')?.why ?? null;

test('starts the first attempt of every planned shard once, in the order of the plan', () => {
  const state = stateAfter(twoShards);
  expect(decideAll(state)).toEqual([
    { kind: 'start-attempt', shard: 's1', role: 'primary' },
    { kind: 'start-attempt', shard: 's2', role: 'primary' },
  ]);
  expect(decide(state)).toEqual([]);
});

test('retries only the unfinished tests of a crashed attempt, once', () => {
  const state = stateAfter(oneShard, ...running, reported(a1, 1, 1, finished(t1)), ended(a1, 1, 1, crashed()));
  expect(nextAttempt(state, shardId(1), 'retry')).toMatchObject({ id: 's1.2', fence: 2, selectors: [{ kind: 'tests', nodeids: [t2] }] });
  expect(decideAll(state)).toEqual([{ kind: 'start-attempt', shard: 's1', role: 'retry' }]);
});

test('retries the attempt of a lost agent', () => {
  expect(decideAll(stateAfter(oneShard, ...running, lost(a1)))).toEqual([{ kind: 'start-attempt', shard: 's1', role: 'retry' }]);
});

test('retries an attempt that claims to have finished but lacks a result', () => {
  expect(decide(stateAfter(oneShard, ...running, ended(a1, 1)))).toEqual([{ kind: 'start-attempt', shard: 's1', role: 'retry' }]);
});

test('gives up a shard that has used up its attempts, and closes the run when the others are done', () => {
  const once = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])], { attemptLimit: 1 });
  const events = [...running, enqueued(2), ended(a1, 1, 1, crashed())];
  expect(decide(stateAfter(once, ...events))).toEqual([{ kind: 'give-up-shard', shard: 's1', why: 'crash-limit' }]);
  const given = [...events, givenUp(1)];
  expect(decide(stateAfter(once, ...given))).toEqual([]);
  expect(closing(once, ...given, reported(a1, 2, 1, collected('test_b.py', [])))).toEqual({ kind: 'done' });
});

test('closes the run as done when everything is settled, even when nothing was planned', () => {
  expect(closing(oneShard, ...running, ...passed)).toEqual({ kind: 'done' });
  expect(closing(opened([]))).toEqual({ kind: 'done' });
});

test('decides nothing after the run is closed', () => {
  expect(decide(stateAfter(twoShards, closedDone()))).toEqual([]);
});

test('closes a complete run as done despite a late interrupt, a lost Redis or maxfail', () => {
  const once = opened([shardOf(1, ['test_a.py'])], { maxfail: 1 });
  const complete = [...running, reported(a1, 1, 1, finished(t1, 'failed')), reported(a1, 1, 1, finished(t2))];
  const late: CoordinatorEvent[] = [
    { kind: 'interrupt-requested', at: 5000, by: 'SIGINT' },
    { kind: 'redis-lost', at: 5000, message: 'gone' },
  ];
  expect(closing(once, ...complete, ...late)).toEqual({ kind: 'done' });
});

test('an interrupt stops the run', () => {
  const why = closing(oneShard, ...running, { kind: 'interrupt-requested', at: 5000, by: 'SIGINT' });
  expect(why).toEqual({ kind: 'stopped', notRun: 'cancelled', by: 'cancelled' });
});

test('maxfail stops the run, and collection errors count as failures', () => {
  const twice = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])], { maxfail: 2 });
  const one = [...running, enqueued(2), reported(a1, 1, 1, finished(t1, 'error'))];
  expect(closing(twice, ...one)).toBeNull();
  expect(closing(twice, ...one, reported(a1, 2, 1, collectFailed('test_b.py')))).toEqual({
    kind: 'stopped',
    notRun: 'maxfail',
    by: 'maxfail',
  });
});

test("pytest's own maxfail stops the run too, even when it counts more failures than there are failed tests", () => {
  const why = closing(oneShard, ...running, ended(a1, 1, 1, { kind: 'interrupted', by: 'maxfail' }));
  expect(why).toEqual({ kind: 'stopped', notRun: 'maxfail', by: 'maxfail' });
});

test('a test that calls pytest.exit stops the run like an interrupt', () => {
  const why = closing(oneShard, ...running, ended(a1, 1, 1, { kind: 'interrupted', by: 'pytest-exit' }));
  expect(why).toEqual({ kind: 'stopped', notRun: 'cancelled', by: 'cancelled' });
});

test('stops a run that has waited for an agent as long as configured', () => {
  const stopped = { kind: 'stopped', notRun: 'no-agent', by: 'cancelled' };
  expect(closing(oneShard, enqueued(1), tick(60_999))).toBeNull();
  expect(closing(oneShard, enqueued(1), tick(61_000))).toEqual(stopped);
  expect(closing(oneShard, ...running, tick(1e9))).toBeNull();
  expect(closing(oneShard, ...running, left(a1), tick(1e9))).toEqual(stopped);
});

test('stops waiting when no agent can join, but lets living agents finish', () => {
  const noneCan: CoordinatorEvent = { kind: 'no-agent-can-come', at: 2000, message: 'all local agents ended' };
  expect(closing(oneShard, enqueued(1), noneCan)).toEqual({ kind: 'stopped', notRun: 'no-agent', by: 'cancelled' });
  expect(closing(oneShard, ...running, noneCan)).toBeNull();
  expect(closing(oneShard, ...running, noneCan, lost(a1))).toMatchObject({ notRun: 'no-agent' });
});

test('stops the run when Redis is lost', () => {
  const why = closing(oneShard, ...running, { kind: 'redis-lost', at: 5000, message: 'gone' });
  expect(why).toEqual({ kind: 'stopped', notRun: 'no-agent', by: 'cancelled' });
});

test('cancels a retry, once, when late results of the lost attempt complete the shard', () => {
  const retried = [...running, enqueued(2), lost(a1), enqueued(1, 2), started(a2, 1, 2)];
  const state = stateAfter(twoShards, ...retried, ...passed);
  expect(decideAll(state)).toEqual([{ kind: 'cancel-attempt', attempt: 's1.2', by: 'superseded' }]);
  expect(decideAll(stateAfter(oneShard, ...retried, ...passed))).toEqual([
    { kind: 'cancel-attempt', attempt: 's1.2', by: 'superseded' },
    { kind: 'close-run', why: { kind: 'done' } },
  ]);
});
