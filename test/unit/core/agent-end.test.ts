// How the report describes the end of each agent.

import { expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import type { Report } from '../../../shared/domain/report.ts';
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
  lost,
  opened,
  reported,
  reportOf,
  shardOf,
  started,
  stateAfter,
} from './run-kit.ts';

const opening = opened([shardOf(1, ['a.py']), shardOf(2, ['b.py'])]);
const work = (agent: typeof a1, shard: number, file: string, at: number): CoordinatorEvent[] => [
  enqueued(shard),
  started(agent, shard),
  reported(agent, shard, 1, { ...collected(file, [`${file}::test_1`]), at: 2000 } as never),
  reported(agent, shard, 1, { ...finished(`${file}::test_1`, 'passed', { startedAt: 2000 }), at } as never),
  ended(agent, shard),
];
const unfit = (why: 'fingerprint' | 'not-started', problem: string): CoordinatorEvent => ({
  kind: 'agent-unfit',
  at: 2000,
  agent: a2,
  host: 'box',
  why,
  problem,
  fingerprint: { files: null, python: null },
});
const endsOf = (report: Report) => report.agents.map(({ id, ended: how, why }) => [id, how, why]);

test('gives no reason for an agent that leaves after the run is closed', () => {
  expect(endsOf(reportOf(stateAfter(opening, joined(a1), closedDone(6000), left(a1, 7000))))).toEqual([['a1', 'left', null]]);
});

test('reports when an agent was lost, and gives no reason for one that returned', () => {
  const gone = [joined(a1), lost(a1, 5000)];
  expect(endsOf(reportOf(stateAfter(opening, ...gone, closedDone())))).toEqual([['a1', 'lost', 'it stopped answering 5.0 s into the run']]);
  const back: CoordinatorEvent = { kind: 'agent-returned', at: 5500, agent: a1 };
  expect(endsOf(reportOf(stateAfter(opening, ...gone, back, closedDone(), left(a1))))).toEqual([['a1', 'left', null]]);
});

test('reports an agent that left before the end of the run', () => {
  expect(endsOf(reportOf(stateAfter(opening, joined(a1), left(a1, 3000), closedDone(6000))))).toEqual([
    ['a1', 'left', 'it left 3.0 s into the run, before its end'],
  ]);
});

test('reports an agent that was drained as one that left on request', () => {
  const draining: CoordinatorEvent = { kind: 'agent-draining', at: 2500, agent: a1 };
  expect(endsOf(reportOf(stateAfter(opening, joined(a1), draining, left(a1, 3000), closedDone(6000))))).toEqual([
    ['a1', 'left', 'it was drained and left 3.0 s into the run, before its end'],
  ]);
});

test('a quarantined agent stays quarantined after it leaves', () => {
  const events: CoordinatorEvent[] = [
    joined(a1),
    enqueued(1),
    started(a1, 1),
    ended(a1, 1, 1, {
      kind: 'not-started',
      error: 'session-not-started',
      detail: 'pytest ended with exit code 4\nERROR: no such option: --cov',
    }),
    { kind: 'agent-dismissed', at: 4000, agent: a1, why: 'not-started' },
    left(a1, 4500),
    closedDone(),
  ];
  expect(endsOf(reportOf(stateAfter(opening, ...events)))).toEqual([
    ['a1', 'quarantined', 'pytest did not start there: pytest ended with exit code 4: ERROR: no such option: --cov'],
  ]);
});

test('lists an agent whose pytest did not start, with the reason and without workers or tests', () => {
  const problem = 'pytest ended with exit code 1\nFile "conftest.py", line 1\nModuleNotFoundError: No module named \'django\'';
  const state = stateAfter(opening, unfit('not-started', problem), closedDone());
  expect(state.agents.get(a2)?.presence).toBe('left');
  const report = reportOf(state);
  expect(report.agents).toMatchObject([{ id: 'a2', host: 'box', workers: 0, tests: 0 }]);
  expect(endsOf(report)).toEqual([['a2', 'not-started', "pytest ended with exit code 1: ModuleNotFoundError: No module named 'django'"]]);
});

test('does not wait for an agent that joined while its pytest started and then could not serve', () => {
  const state = stateAfter(opening, joined(a2), unfit('not-started', 'no worker'));
  expect(state.agents.get(a2)).toMatchObject({ presence: 'left', goneAt: 2000 });
  expect(state.aloneSince).not.toBeNull();
});

test('reports how the workspace of an agent that refused itself differs', () => {
  expect(endsOf(reportOf(stateAfter(opening, unfit('fingerprint', 'commit old, the run has new'), closedDone())))).toEqual([
    ['a2', 'refused', "its workspace differs from the run's: commit old, the run has new"],
  ]);
});

test('counts the time of a lost agent as lost, not as imbalance', () => {
  const events = [joined(a1), joined(a2), ...work(a1, 1, 'a.py', 10_000), ...work(a2, 2, 'b.py', 3000)];
  const secondsOf = (report: Report) => [report.profile.breakdown?.imbalance.seconds, report.profile.breakdown?.lost.seconds];
  const [waited = 0, nothing] = secondsOf(reportOf(stateAfter(opening, ...events, closedDone(11_000), left(a1, 12_000), left(a2, 12_000))));
  expect([waited > 0, nothing]).toEqual([true, 0]);
  const [less = 0, gone = 0] = secondsOf(reportOf(stateAfter(opening, ...events, lost(a2, 5000), closedDone(11_000), left(a1, 12_000))));
  expect(less).toBeLessThan(waited);
  expect(less + gone).toBeCloseTo(waited);
});
