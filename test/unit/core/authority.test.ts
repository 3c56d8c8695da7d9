// Whose messages count: only an agent that has joined speaks of attempts, only of those that it holds, and only of files of their shard.

import { expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { openRun } from '../../../coordinator/core/state/run-state.ts';
import { reportParts } from '../../../coordinator/reporters/summary/terminal-summary.ts';
import { agentId } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import { expectRejected } from '../../support/rejected.ts';
import {
  a1,
  a2,
  closedDone,
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

const ghost = agentId('ghost');
const run = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])]);
const begun = [joined(a1), joined(a2), enqueued(1), enqueued(2), started(a1, 1), started(a2, 2)];
const ran = (agent: typeof a1, shard: number, file: string, outcome: Outcome): readonly CoordinatorEvent[] => [
  reported(agent, shard, 1, collected(file, [`${file}::test_x`])),
  reported(agent, shard, 1, finished(`${file}::test_x`, outcome)),
  ended(agent, shard),
];
const honest = [...ran(a1, 1, 'test_a.py', 'failed'), ...ran(a2, 2, 'test_b.py', 'passed'), closedDone()];
const after = (...events: readonly CoordinatorEvent[]) => {
  const state = openRun(run);
  for (const event of events) reduce(state, event);
  return reportOf(state);
};
const outcomes = ({ tests }: ReturnType<typeof after>) => tests.map(({ nodeid, outcome }) => [nodeid, outcome]);
const truth = [
  ['test_a.py::test_x', 'failed'],
  ['test_b.py::test_x', 'passed'],
];

test('drops the results of an agent that never joined', () => {
  const report = after(...begun, ...ran(ghost, 1, 'test_a.py', 'passed'), left(ghost), ...honest);
  expect(outcomes(report)).toEqual(truth);
  expect(report).toMatchObject({ exitCode: 1, rejected: [{ agent: 'ghost', why: 'not-joined', messages: 4 }] });
  expect(report.agents.map(({ id }) => id)).toEqual(['a1', 'a2']);
});

test('keeps what an agent reports before it joins, because Redis can lose the message that it joined', () => {
  const [, ...others] = begun;
  const report = after(...others, ...ran(a1, 1, 'test_a.py', 'failed'), joined(a1), ...ran(a2, 2, 'test_b.py', 'passed'), closedDone());
  expect(outcomes(report)).toEqual(truth);
  expect(report.rejected).toEqual([]);
});

test('drops the results of an agent about an attempt that another one holds, or that does not exist', () => {
  const unknown = ran(a2, 7, 'test_a.py', 'passed');
  const report = after(...begun, ...ran(a2, 1, 'test_a.py', 'passed'), ...unknown, ...honest);
  expect(outcomes(report)).toEqual(truth);
  expect(report.rejected).toEqual([{ agent: 'a2', why: 'not-holding', messages: 6 }]);
});

test('drops results about files of another shard, and keeps those about files of none', () => {
  const report = after(
    ...begun,
    reported(a2, 2, 1, finished('test_a.py::test_x', 'passed')),
    reported(a2, 2, 1, finished('conftest.py::extra', 'passed')),
    ...honest,
  );
  expect(outcomes(report)).toEqual([['conftest.py::extra', 'passed'], ...truth]);
  expect(report.rejected).toEqual([{ agent: 'a2', why: 'foreign-file', messages: 1 }]);
});

test('drops everything from an agent whose message could not be read', () => {
  const rejected = { kind: 'message-rejected', at: 3000, position: '1-0', agent: a2, why: 'unreadable', problem: 'no JSON' } as const;
  const out = { kind: 'agent-dismissed', at: 3000, agent: a2, why: 'messages' } as const;
  const report = after(...begun, rejected, out, ...honest);
  expect(outcomes(report)).toEqual([truth[0]]);
  expect(report.rejected).toEqual([{ agent: 'a2', why: 'unreadable', messages: 1 }]);
});

test('a result that contradicts the first one of its test fails the run, unless its agent was dismissed', () => {
  const backup = [enqueued(2, 2, 'backup'), started(a1, 2, 2)];
  const later = (outcome: Outcome) => reported(a1, 2, 2, finished('test_b.py::test_x', outcome));
  const green = [...ran(a1, 1, 'test_a.py', 'passed'), ...ran(a2, 2, 'test_b.py', 'passed')];
  const conflict = { nodeid: 'test_b.py::test_x', first: { agent: 'a2', outcome: 'passed' }, second: { agent: 'a1', outcome: 'failed' } };
  const red = after(...begun, ...backup, ...green, later('failed'), closedDone());
  expect(red).toMatchObject({ verdict: 'failed', exitCode: 1, conflicts: [conflict], totals: { passed: 2, failed: 0 } });
  expect(after(...begun, ...backup, ...green, later('skipped'), closedDone())).toMatchObject({ exitCode: 0, conflicts: [] });
  const out = { kind: 'agent-dismissed', at: 5000, agent: a1, why: 'failures' } as const;
  expect(after(...begun, ...backup, ...green, later('failed'), out, closedDone())).toMatchObject({ exitCode: 0, conflicts: [] });
});

test('a run has at most 10,000 agents', () => {
  const state = stateAfter(run, ...begun);
  for (let each = 0; each < 40_000; each += 1) reduce(state, joined(agentId(`false-${each}`)));
  const report = reportOf(state);
  expect(report.agents).toHaveLength(10_000);
  // Senders are counted one by one up to a limit, and together beyond it.
  expect(report.rejected.reduce((sum, { messages }) => sum + messages, 0)).toBe(30_002);
  expect(report.rejected.length).toBeLessThan(1002);
  const { parts } = reportParts(report, { color: false, width: null, paths: [], verbosity: 'normal' });
  expectRejected(report, parts.map(({ text }) => text).join(''), report.rejected);
});
