import { expect, test } from 'vitest';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import type { CoordinatorEvent, EventOf } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { eventLines } from '../../../coordinator/reporters/progress/event-lines.ts';
import { tallyOf } from '../../../coordinator/reporters/progress/tally.ts';
import { agentEndLines } from '../../../coordinator/reporters/summary/agent-text.ts';
import { type AgentId, agentId, attemptId, fileOf, nodeId, shardId } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { RejectionCause } from '../../../shared/domain/report.ts';
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
  expect(report.agents.find(({ id }) => id === a1)).toMatchObject({ ended: 'quarantined', why: 'its messages do not count: no JSON' });
  // A sender that never joined is only counted.
  expect(decideAll(stateAfter(run, ...begun, { ...rejected, agent: agentId('ghost') }))).toEqual([]);
});

const refused = (change: Partial<EventOf<'message-rejected'>>) =>
  ({ kind: 'message-rejected', at: 3000, position: '1-0', agent: a1, why: 'expired', problem: EXPIRED, ...change }) as const;
const EXPIRED = 'Could not trust a message of agent a1: the certificate of its key ab12 expired at 2026-01-01T12:01:00Z.\nFix: x';
const out = { kind: 'dismiss-agent', agent: 'a1', why: 'messages' };
const from = (seq: number) => ({ agent: a1, seq });
const read = (seq: number) => ({ kind: 'stream-read', at: 2000, position: `${seq}-0`, aheadMs: 0, from: from(seq) }) as const;

test('quarantines an agent whose certificate has expired, and the run ends when no other agent is left', () => {
  const state = stateAfter(run, joined(a1), read(1), enqueued(1), refused({ from: from(2) }));
  expect(decideAll(state)).toContainEqual(out);
  const gone = [{ kind: 'agent-lost', at: 4000, agent: a1 } as const, { kind: 'tick', at: 64_001 } as const];
  for (const event of gone) reduce(state, event);
  expect(decide(state)).toEqual([{ kind: 'close-run', why: { kind: 'stopped', notRun: 'no-agent', by: 'cancelled' } }]);
  decideAll(state);
  const report = reportOf(state);
  expect(report).toMatchObject({ exitCode: 11, missingMessages: [], rejected: [{ agent: 'a1', why: 'expired', messages: 1 }] });
  expect(agentEndLines(report)).toEqual([
    'QUARANTINED agent a1 on host - its messages do not count: the certificate of its key ab12 expired at 2026-01-01T12:01:00Z',
  ]);
});

test.each<[why: RejectionCause]>([['expired'], ['not-trusted'], ['unreadable'], ['other-version']])(
  'quarantines no agent that signs for a message that its key has not signed, rejected as %s',
  (why) => {
    expect(dismissed(...begun, read(1), refused({ why }), refused({ why }))).toEqual([]);
    expect(dismissed(...begun, read(1), refused({ why, from: from(2) }))).toEqual([out]);
  },
);

test('quarantines an agent that takes attempts while no message in its name counts', () => {
  const vanished = (fence: number): CoordinatorEvent[] => {
    const attempt = attemptId(shardId(1), fence);
    return [
      enqueued(1, fence),
      { kind: 'attempt-taken', at: 3000, attempt, agent: a1 },
      { kind: 'attempt-lost', at: 9000, attempt, agent: a1 },
    ];
  };
  const problem = 'Could not trust a message of agent a1: it is signed with key cd34, which is not trusted here.';
  const untrusted = refused({ why: 'not-trusted', problem });
  const joinedOnly = [joined(a1), joined(a2)];
  expect(dismissed(...joinedOnly, untrusted, ...[1, 2, 3, 4].flatMap(vanished))).toEqual([]);
  expect(dismissed(...joinedOnly, ...[1, 2, 3, 4, 5].flatMap(vanished))).toEqual([]);
  const heard = [...vanished(1), ...vanished(2), enqueued(1, 3), started(a1, 1, 3), ended(a1, 1, 3, { kind: 'lost' })];
  expect(dismissed(...joinedOnly, untrusted, ...heard, ...[4, 5, 6, 7].flatMap(vanished))).toEqual([]);
  const state = stateAfter(run, ...joinedOnly, untrusted, ...[1, 2, 3, 4, 5].flatMap(vanished));
  expect(decide(state)).toEqual([out]);
  decideAll(state);
  expect(reportOf(state).agents.find(({ id }) => id === a1)).toMatchObject({
    ended: 'quarantined',
    why: 'its messages do not count: it is signed with key cd34, which is not trusted here',
  });
});

test('gives up a shard whose attempts vanish again and again before an agent begins them', () => {
  const one = opened([shardOf(1, ['test_1.py'])]);
  const state = stateAfter(one, joined(a1));
  let attempts = 0;
  while (state.closed === null && attempts < 200) {
    decideAll(state);
    expect(attempts).toBeLessThan(31);
    for (const attempt of [...state.index.live]) {
      attempts += 1;
      reduce(state, { kind: 'attempt-lost', at: 5000 * attempts, attempt: attempt.id, agent: null });
    }
  }
  expect(attempts).toBe(30);
  const event = { kind: 'shard-given-up', at: 200_000, shard: shardId(1), why: 'crash-limit' } as const;
  expect(eventLines({ event, state, changes: [], tally: tallyOf(state), lateForecasts: 0 }, 'normal')).toEqual([
    "Gave up shard s1: 30 attempts disappeared from Redis before an agent reported their start. Fix: check the agents' logs.",
  ]);
  expect(reportOf(state)).toMatchObject({ exitCode: 11, notRun: [{ nodeid: 'test_1.py', reason: 'crash-limit' }] });
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
