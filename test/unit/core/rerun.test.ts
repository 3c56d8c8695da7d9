import { expect, test } from 'vitest';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { type AgentId, nodeId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { Reruns } from '../../../shared/domain/reruns.ts';
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
  lost,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
} from './run-kit.ts';

const ids = [1, 2, 3].map((index) => `test_a.py::test_${index}`);
const [t1 = '', t2 = '', t3 = ''] = ids;
const reruns = (times: number, tests = 3): Reruns => ({ times, limit: { kind: 'tests', tests } });
const open = (times: number, changes: Parameters<typeof opened>[1] = {}) =>
  opened([shardOf(1, ['test_a.py'])], { reruns: reruns(times), ...changes });
const close = { kind: 'close-run', why: { kind: 'done' } };
const rerun = { kind: 'start-attempt', shard: 's1', role: 'rerun' };
const giveUp = { kind: 'give-up-shard', shard: 's1', why: 'crash-limit' };
const named = (...nodeids: readonly string[]) => [{ kind: 'tests' as const, file: testFile('test_a.py'), nodeids: nodeids.map(nodeId) }];

/** One attempt of shard 1 that finishes with these outcomes. */
const attempt = (agent: AgentId, fence: number, outcomes: Readonly<Record<string, Outcome>>): CoordinatorEvent[] => [
  started(agent, 1, fence),
  ...Object.entries(outcomes).map(([id, outcome]) =>
    reported(agent, 1, fence, finished(id, outcome, { message: `${outcome} in ${fence}` })),
  ),
  ended(agent, 1, fence),
];
const first = [
  joined(a1),
  joined(a2),
  enqueued(1),
  reported(a1, 1, 1, collected('test_a.py', ids)),
  ...attempt(a1, 1, { [t1]: 'passed', [t2]: 'failed', [t3]: 'error' }),
];
const play = (state: ReturnType<typeof stateAfter>, ...events: CoordinatorEvent[]) => {
  for (const event of events) reduce(state, event);
  return decideAll(state);
};

test('re-runs failed tests on another agent after every test has run once', () => {
  const state = stateAfter(open(2), ...first);
  expect(nextAttempt(state, shardId(1), 'rerun')).toMatchObject({
    id: 's1.2',
    selectors: [{ kind: 'tests', file: 'test_a.py', nodeids: [t2, t3] }],
    avoid: ['a1'],
  });
  expect(decideAll(state)).toEqual([rerun]);
  expect(play(state, ...attempt(a2, 2, { [t2]: 'passed', [t3]: 'failed' }))).toEqual([rerun]);
  expect(nextAttempt(state, shardId(1), 'rerun')).toMatchObject({ id: 's1.4' });
});

test('a test that passes in its rerun is flaky, one that fails again is a failure, and both list all attempts', () => {
  const events = [...first, enqueued(1, 2, 'rerun', named(t2, t3)), ...attempt(a2, 2, { [t2]: 'passed', [t3]: 'error' })];
  const state = stateAfter(open(1), ...events);
  expect(decideAll(state)).toEqual([close]);
  const report = reportOf(state);
  expect(report).toMatchObject({ verdict: 'failed', totals: { expected: 3, passed: 2, error: 1, flaky: 1, duplicatesDropped: 0 } });
  expect(
    report.tests.map(({ outcome, flaky, attempts }) => [outcome, flaky, attempts.map(({ agent, message }) => `${agent}: ${message}`)]),
  ).toEqual([
    ['passed', false, ['a1: passed in 1']],
    ['passed', true, ['a1: failed in 1', 'a2: passed in 2']],
    ['error', false, ['a1: error in 1', 'a2: error in 2']],
  ]);
});

test('flaky tests leave a run passed unless --flaky-fails is set', () => {
  const events = [...first, enqueued(1, 2, 'rerun', named(t2, t3)), ...attempt(a2, 2, { [t2]: 'passed', [t3]: 'skipped' })];
  const verdictOf = (flakyFails: boolean) => {
    const state = stateAfter(open(1, { flakyFails }), ...events);
    decideAll(state);
    return reportOf(state).verdict;
  };
  expect(verdictOf(false)).toBe('passed');
  expect(verdictOf(true)).toBe('failed');
});

test('re-runs nothing when more tests failed than the limit, and rounds percentages up', () => {
  const limit = (percent: number): Reruns => ({ times: 1, limit: { kind: 'percent', percent } });
  expect(decideAll(stateAfter(open(1, { reruns: reruns(1, 1) }), ...first))).toEqual([close]);
  expect(decideAll(stateAfter(open(1, { reruns: limit(5) }), ...first))).toEqual([close]);
  expect(decideAll(stateAfter(open(1, { reruns: limit(34) }), ...first))).toEqual([rerun]);
});

test('repeats a rerun that was lost, but not one that crashed without a result', () => {
  const started2 = [...first, enqueued(1, 2, 'rerun', named(t2, t3)), started(a2, 1, 2)];
  expect(decideAll(stateAfter(open(1), ...started2, lost(a2)))).toEqual([rerun]);
  const state = stateAfter(open(1), ...started2, ended(a2, 1, 2, crashed(t2)));
  expect(decideAll(state)).toEqual([close]);
  expect(reportOf(state).totals).toMatchObject({ failed: 1, error: 1, flaky: 0 });
});

test('a result that is repeated, late, or of a test that has passed meanwhile changes nothing', () => {
  const twice = [...first, enqueued(1, 2, 'rerun'), started(a2, 1, 2), lost(a2), enqueued(1, 3, 'rerun')];
  const state = stateAfter(open(2), ...twice, ...attempt(a1, 3, { [t2]: 'passed', [t3]: 'failed' }));
  const before = reportOf(state);
  play(
    state,
    reported(a2, 1, 2, finished(t2, 'failed')),
    reported(a1, 1, 3, finished(t3, 'passed')),
    reported(a1, 1, 1, finished(t3, 'passed')),
  );
  const { totals, tests } = reportOf(state);
  expect(tests).toEqual(before.tests);
  expect(totals).toEqual({ ...before.totals, duplicatesDropped: 3 });
});

test('maxfail counts tests that fail in the end, and reruns start at once to find out', () => {
  const two = [shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])];
  const state = stateAfter(opened(two, { reruns: reruns(1), maxfail: 2 }), ...first, enqueued(2));
  expect(decideAll(state)).toEqual([rerun]);
  expect(play(state, ...attempt(a2, 2, { [t2]: 'passed', [t3]: 'error' }))).toEqual([]);
  const stopped = stateAfter(opened(two, { reruns: reruns(1), maxfail: 1 }), ...first, enqueued(2), enqueued(1, 2, 'rerun'));
  expect(play(stopped, ...attempt(a2, 2, { [t2]: 'passed', [t3]: 'error' }))).toMatchObject([{ why: { notRun: 'maxfail' } }]);
});

test('re-runs serial tests alone, after the others', () => {
  const ids = [nodeId('test_b.py::test_s')];
  const serial = {
    kind: 'collected',
    at: 2100,
    file: testFile('test_b.py'),
    nodeids: ids,
    serial: ids,
    mayBackUp: true,
    digest: null,
    seconds: 0.5,
    worker: 'gw0',
  } as const;
  const two = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])], { reruns: reruns(1) });
  const serialRan = [
    enqueued(2),
    reported(a1, 2, 1, serial),
    ended(a1, 2),
    enqueued(2, 2, 'serial'),
    reported(a1, 2, 2, finished('test_b.py::test_s', 'failed')),
    ended(a1, 2, 2),
  ];
  const state = stateAfter(two, ...first, ...serialRan);
  expect(decideAll(state)).toEqual([rerun]);
  expect(decide(state)).toEqual([]);
  expect(play(state, ...attempt(a2, 2, { [t2]: 'passed', [t3]: 'passed' }))).toEqual([{ ...rerun, shard: 's2' }]);
});

test('a failure whose rerun has no result counts towards maxfail', () => {
  const two = [shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])];
  const state = stateAfter(opened(two, { reruns: reruns(1), maxfail: 2 }), ...first, enqueued(2));
  expect(decideAll(state)).toEqual([rerun]);
  expect(play(state, started(a2, 1, 2), ended(a2, 1, 2, crashed(null)))).toMatchObject([{ why: { notRun: 'maxfail' } }]);
});

test('re-runs a test that fails late, after the rerun of its shard has started', () => {
  const opening = open(1, { attemptLimit: 1 });
  const events = [joined(a1), joined(a2), enqueued(1), reported(a1, 1, 1, collected('test_a.py', [t1, t2])), started(a1, 1)];
  const state = stateAfter(opening, ...events, reported(a1, 1, 1, finished(t1, 'failed')), ended(a1, 1, 1, crashed(null)));
  expect(decideAll(state)).toEqual([giveUp, rerun]);
  for (const event of [
    ...attempt(a2, 2, {}).slice(0, 1),
    reported(a1, 1, 1, finished(t2, 'failed')),
    ...attempt(a2, 2, { [t1]: 'passed' }).slice(1),
  ])
    reduce(state, event);
  expect(nextAttempt(state, shardId(1), 'rerun')?.selectors).toEqual([{ kind: 'tests', file: 'test_a.py', nodeids: [t2] }]);
  expect(decideAll(state)).toEqual([rerun]);
});

test('applies a limit in percent to the whole suite, estimated from the files collected so far', () => {
  const many = Array.from({ length: 20 }, (_, index) => shardOf(index + 1, [index === 0 ? 'test_a.py' : `test_${index}.py`]));
  const percent = { times: 1, limit: { kind: 'percent', percent: 5 } } as const;
  const state = stateAfter(opened(many, { reruns: percent, maxfail: 2 }), ...first);
  // Two of the three tests seen so far are more than 5 %; of the 60 that 20 such files would hold they are not.
  expect(decideAll(state)).toContainEqual(rerun);
  expect(decideAll(state).some(({ kind }) => kind === 'close-run')).toBe(false);
});
