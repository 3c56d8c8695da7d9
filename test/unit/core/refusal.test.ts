import { expect, test } from 'vitest';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import type { FilesPrint } from '../../../shared/domain/suite/fingerprint.ts';
import {
  a1,
  a2,
  collected,
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
  tick,
} from './run-kit.ts';

const filesAt = (commit: string): FilesPrint => ({
  place: commit,
  git: { commit, directory: '', changedFiles: 0, changes: '' },
  contents: null,
});
const base = opened([shardOf(1, ['test_a.py'])], { attemptLimit: 1, waitAgentSeconds: 10 });
const run = { ...base, spec: { ...base.spec, files: filesAt('new') } };
const warning = { ...run, spec: { ...run.spec, fingerprintPolicy: 'warn' as const } };
const id = 'test_a.py::test_x';

function joinedAt(commit: string, changes: { readonly isLocal?: boolean } = {}) {
  const event = joined(a1);
  if (event.kind !== 'agent-joined') throw new Error('unreachable');
  return { ...event, agent: { ...event.agent, fingerprint: { files: filesAt(commit), python: null }, ...changes } };
}

const ran = (agent = a1, fence = 1) => [
  started(agent, 1, fence),
  reported(agent, 1, fence, collected('test_a.py', [id])),
  reported(agent, 1, fence, finished(id, agent === a1 ? 'failed' : 'passed')),
  ended(agent, 1, fence),
];
const dismissal = { kind: 'dismiss-agent', agent: 'a1', why: 'fingerprint' };

test('dismisses an agent at another commit, even the only one, and drops its results', () => {
  const state = stateAfter(run, joinedAt('old'), enqueued(1), ...ran());
  expect(state.tests.size).toBe(0);
  expect(decideAll(state)).toEqual([dismissal, { kind: 'start-attempt', shard: 's1', role: 'retry' }]);
  for (const event of [joined(a2), ...ran(a2, 2)]) reduce(state, event);
  expect(decideAll(state).at(-1)).toEqual({ kind: 'close-run', why: { kind: 'done' } });
  expect(reportOf(state)).toMatchObject({
    verdict: 'passed',
    totals: { expected: 1, passed: 1 },
    fingerprint: { files: { git: { commit: 'new' } } },
    agents: [
      {
        id: 'a1',
        fingerprint: { files: { git: { commit: 'old' } } },
        ended: 'refused',
        why: "its workspace differs from the run's: another commit (old; the run has new)",
      },
      { id: 'a2', tests: 1 },
    ],
  });
});

test('never refuses an agent that the run started itself, or one at the same commit', () => {
  for (const joining of [joinedAt('old', { isLocal: true }), joinedAt('new')]) {
    const state = stateAfter(run, joining, enqueued(1), ...ran());
    expect(decideAll(state)).toEqual([{ kind: 'close-run', why: { kind: 'done' } }]);
    expect(reportOf(state).totals).toMatchObject({ failed: 1 });
  }
});

test('under the warn policy, an agent at another commit serves, and the report lists the difference', () => {
  const state = stateAfter(warning, joinedAt('old'), enqueued(1), ...ran());
  expect(decideAll(state)).toEqual([{ kind: 'close-run', why: { kind: 'done' } }]);
  expect(reportOf(state).agents).toMatchObject([{ ended: null, differences: ['another commit (old; the run has new)'] }]);
});

test('reports an agent that could not serve, and keeps waiting for agents', () => {
  const fingerprint = { files: filesAt('old'), python: null };
  const unfit = { kind: 'agent-unfit', at: 2000, agent: a1, host: 'far', why: 'not-started', problem: 'no pytest', fingerprint } as const;
  const state = stateAfter(run, enqueued(1), tick(5000), unfit);
  expect(state.aloneSince).toBe(1000);
  expect(reportOf(state).agents).toMatchObject([{ id: 'a1', host: 'far', ended: 'not-started', why: 'no pytest' }]);
  reduce(state, tick(11_000));
  expect(decideAll(state)).toMatchObject([{ kind: 'close-run', why: { notRun: 'no-agent' } }]);
});
