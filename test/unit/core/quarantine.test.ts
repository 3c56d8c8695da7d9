import { expect, test } from 'vitest';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { type AgentId, agentId, fileOf, nodeId, shardId } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import {
  a1,
  a2,
  collected,
  decideAll,
  ended,
  enqueued,
  finished,
  joined,
  left,
  lost,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
  tick,
} from './run-kit.ts';

/** Shard n holds test_n.py with one test. */
const idOf = (shard: number): string => `test_${shard}.py::test_x`;
const run = opened(Array.from({ length: 12 }, (_, index) => shardOf(index + 1, [`test_${index + 1}.py`])));
const ran = (agent: AgentId, shard: number, outcome: Outcome, id = idOf(shard)): CoordinatorEvent[] => [
  started(agent, shard),
  reported(agent, shard, 1, collected(fileOf(nodeId(id)), [id])),
  reported(agent, shard, 1, finished(id, outcome)),
  ended(agent, shard),
];
const all = Array.from({ length: 12 }, (_, index) => enqueued(index + 1));
const failed = (agent: AgentId, shards: readonly number[]): CoordinatorEvent[] => shards.flatMap((shard) => ran(agent, shard, 'failed'));
const ten = Array.from({ length: 10 }, (_, index) => index + 1);
const begun = [joined(a1), joined(a2), ...all];
const dismissal = { kind: 'dismiss-agent', agent: 'a1', why: 'failures' };
const dismissed = (...events: readonly CoordinatorEvent[]) =>
  decide(stateAfter(run, ...events)).filter(({ kind }) => kind === 'dismiss-agent');

test('quarantines an agent once when its tests fail in a row and the last test of another agent passed', () => {
  const state = stateAfter(run, ...begun, ...ran(a2, 12, 'passed'), ...failed(a1, ten));
  expect(decideAll(state)).toEqual([dismissal]);
  expect(decide(state)).toEqual([]);
});

test('quarantines the sender of a message that could not be read, and runs its attempts elsewhere', () => {
  const rejected = { kind: 'message-rejected', at: 3000, position: '1-0', agent: a1, why: 'unreadable', problem: 'no JSON' } as const;
  const state = stateAfter(run, ...begun, started(a1, 1), rejected, rejected, { ...rejected, agent: null });
  expect(decideAll(state)).toEqual([
    { kind: 'dismiss-agent', agent: 'a1', why: 'messages' },
    { kind: 'start-attempt', shard: 's1', role: 'retry' },
  ]);
  const report = reportOf(state);
  expect(report.rejected).toEqual([
    { agent: 'a1', why: 'unreadable', messages: 2 },
    { agent: null, why: 'unreadable', messages: 1 },
  ]);
  expect(report.agents.find(({ id }) => id === a1)).toMatchObject({ ended: 'quarantined', why: 'its messages could not be read: no JSON' });
  // A sender that never joined is only counted.
  expect(decideAll(stateAfter(run, ...begun, { ...rejected, agent: agentId('ghost') }))).toEqual([]);
});

test('quarantines no agent for too few failures, failures of one file, or failures with a pass in between', () => {
  const passed = ran(a2, 12, 'passed');
  expect(dismissed(...begun, ...passed, ...failed(a1, ten.slice(1)))).toEqual([]);
  expect(dismissed(...begun, ...passed, ...failed(a1, ten.slice(0, 5)), ...ran(a1, 11, 'skipped'), ...failed(a1, ten.slice(5)))).toEqual(
    [],
  );
  const ofOneFile = ten.map((index) => `test_1.py::test_${index}`);
  const broken = [
    started(a1, 1),
    reported(a1, 1, 1, collected('test_1.py', ofOneFile)),
    ...ofOneFile.map((id) => reported(a1, 1, 1, finished(id, 'failed'))),
  ];
  expect(dismissed(...begun, ...passed, ...broken)).toEqual([]);
});

test('never quarantines the last agent, or an agent when no other one does better', () => {
  const passed = ran(a2, 12, 'passed');
  expect(dismissed(joined(a1), ...all, ...failed(a1, ten))).toEqual([]);
  expect(dismissed(...begun, ...failed(a1, ten))).toEqual([]);
  expect(dismissed(...begun, ...passed, ...failed(a1, ten), ...failed(a2, [11]))).toEqual([]);
  expect(dismissed(...begun, ...passed, lost(a2), ...failed(a1, ten))).toEqual([]);
});

test('re-runs the failures of a quarantined agent elsewhere, even without --reruns, and marks passes as flaky', () => {
  const state = stateAfter(run, ...begun, ...ran(a2, 12, 'passed'), ...failed(a1, ten));
  decideAll(state);
  for (const event of [left(a1), ...ran(a2, 11, 'failed')]) reduce(state, event);
  const reruns = decideAll(state);
  expect(reruns).toEqual(ten.map((shard) => ({ kind: 'start-attempt', shard: `s${shard}`, role: 'rerun' })));
  for (const shard of ten) {
    const outcome = shard === 1 ? 'failed' : 'passed';
    for (const event of [started(a2, shard, 2), reported(a2, shard, 2, finished(idOf(shard), outcome)), ended(a2, shard, 2)])
      reduce(state, event);
  }
  expect(decideAll(state)).toEqual([{ kind: 'close-run', why: { kind: 'done' } }]);
  expect(reportOf(state).totals).toMatchObject({ expected: 12, passed: 10, failed: 2, flaky: 9 });
});

test('re-runs the failures of tests that an agent was still running when it was quarantined', () => {
  const state = stateAfter(run, ...begun, ...ran(a2, 12, 'passed'), started(a1, 11), ...failed(a1, ten));
  decideAll(state);
  for (const event of ran(a1, 11, 'failed').slice(1)) reduce(state, event);
  expect(decideAll(state)).toEqual([...ten, 11].map((shard) => ({ kind: 'start-attempt', shard: `s${shard}`, role: 'rerun' })));
});

test('reruns avoid a quarantined agent, and maxfail waits for them', () => {
  const limited = opened(run.shards, { maxfail: 11 });
  const state = stateAfter(limited, ...begun, ...ran(a2, 12, 'passed'), ...failed(a1, ten));
  expect(decideAll(state)).toEqual([dismissal, ...ten.map((shard) => ({ kind: 'start-attempt', shard: `s${shard}`, role: 'rerun' }))]);
  const fresh = stateAfter(limited, ...begun, ...ran(a2, 12, 'passed'), ...failed(a1, ten));
  reduce(fresh, { kind: 'agent-dismissed', at: 5000, agent: a1, why: 'failures' });
  expect(nextAttempt(fresh, shardId(1), 'rerun')).toMatchObject({ avoid: ['a1'] });
});

test('quarantines an agent that cannot start sessions and retries its attempts elsewhere', () => {
  const notStarted = [1, 2, 3].flatMap((shard) => [
    started(a1, shard),
    ended(a1, shard, 1, { kind: 'not-started', error: 'session-not-started', detail: 'no' }),
  ]);
  const actions = decideAll(stateAfter(run, ...begun, ...ran(a2, 12, 'passed'), ...notStarted, tick(5000)));
  expect(actions[0]).toEqual({ ...dismissal, why: 'not-started' });
  expect(actions.slice(1).map(({ kind }) => kind)).toEqual(['start-attempt', 'start-attempt', 'start-attempt']);
});
