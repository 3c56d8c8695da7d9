import { describe, expect, test } from 'vitest';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import { restartOf } from '../../../coordinator/core/decide/restart.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import type { AgentInfo } from '../../../shared/domain/events.ts';
import { type AgentId, shardId } from '../../../shared/domain/ids.ts';
import {
  a1,
  a2,
  collected,
  collectFailed,
  decideAll,
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

const fileOf = (shard: number): string => `tests/test_${shard}.py`;
const idOf = (shard: number): string => `${fileOf(shard)}::test_x`;
const run = opened(Array.from({ length: 14 }, (_, index) => shardOf(index + 1, [fileOf(index + 1)])));
const all = Array.from({ length: 14 }, (_, index) => enqueued(index + 1));
const begun = [joined(a1), joined(a2), ...all];
const broke = (agent: AgentId, shard: number, fence = 1, file = fileOf(shard)): CoordinatorEvent[] => [
  started(agent, shard, fence),
  reported(agent, shard, fence, collectFailed(file, `no module on ${agent}`)),
  ended(agent, shard, fence),
];
const passed = (agent: AgentId, shard: number, fence = 1): CoordinatorEvent[] => [
  started(agent, shard, fence),
  reported(agent, shard, fence, collected(fileOf(shard), [idOf(shard)])),
  reported(agent, shard, fence, finished(idOf(shard))),
  ended(agent, shard, fence),
];
const recheck = (shard: number) => ({ kind: 'start-attempt', shard: `s${shard}`, role: 'recheck' });
const dismissal = { kind: 'dismiss-agent', agent: 'a1', why: 'collection' };

test('rechecks a file that one agent cannot collect on another agent, once', () => {
  const state = stateAfter(run, ...begun, ...broke(a1, 1));
  expect(nextAttempt(state, shardId(1), 'recheck')).toMatchObject({ avoid: ['a1'], selectors: [{ kind: 'file', file: fileOf(1) }] });
  expect(decideAll(state)).toEqual([recheck(1)]);
});

test('drops an error that another agent does not have and quarantines the first agent', () => {
  const state = stateAfter(run, ...begun, ...broke(a1, 1), ...broke(a1, 2));
  expect(decideAll(state)).toEqual([recheck(1), recheck(2)]);
  for (const event of passed(a2, 1, 2)) reduce(state, event);
  expect(decideAll(state)).toEqual([dismissal]);
  // Its other collection errors are as doubtful, so they no longer count as errors of the suite.
  expect(reportOf(state).collectErrors).toEqual([]);
  for (const event of passed(a2, 2, 2)) reduce(state, event);
  for (let shard = 3; shard <= 14; shard += 1) for (const event of passed(a2, shard)) reduce(state, event);
  expect(decideAll(state)).toEqual([{ kind: 'close-run', why: { kind: 'done' } }]);
  expect(reportOf(state)).toMatchObject({
    verdict: 'passed',
    totals: { expected: 14, passed: 14 },
    agents: [
      { id: 'a1', ended: 'quarantined', why: `it could not collect ${fileOf(1)}, and agent a2 could` },
      { id: 'a2', why: null },
    ],
  });
});

test('counts an error that another agent confirms once, with the message of that agent', () => {
  const state = stateAfter(run, ...begun, ...broke(a1, 1));
  decideAll(state);
  for (const event of broke(a2, 1, 2)) reduce(state, event);
  expect(decideAll(state)).toEqual([]);
  expect(state.failures).toBe(1);
  expect(reportOf(state).collectErrors).toEqual([{ file: fileOf(1), nodeid: fileOf(1), message: 'no module on a2' }]);
});

test('rechecks ten errors of an agent in a broken suite and accepts the others', () => {
  const state = stateAfter(run, ...begun, ...Array.from({ length: 14 }, (_, index) => broke(a1, index + 1)).flat());
  const rechecks = decideAll(state);
  expect(rechecks).toHaveLength(10);
  for (let shard = 1; shard <= 10; shard += 1) for (const event of broke(a2, shard, 2)) reduce(state, event);
  expect(decideAll(state)).toEqual([{ kind: 'close-run', why: { kind: 'done' } }]);
  expect(reportOf(state)).toMatchObject({ verdict: 'failed', exitCode: 1 });
  expect(reportOf(state).collectErrors).toHaveLength(14);
});

test('accepts an error of the only agent and rechecks it when another agent joins', () => {
  const state = stateAfter(run, joined(a1), ...all, ...broke(a1, 1));
  expect(decideAll(state)).toEqual([]);
  reduce(state, joined(a2));
  expect(decideAll(state)).toEqual([recheck(1)]);
});

test('does not wait for a recheck when no other agent is left', () => {
  const two = opened([shardOf(1, [fileOf(1)])]);
  const state = stateAfter(two, joined(a1), joined(a2), enqueued(1), ...broke(a1, 1));
  expect(decideAll(state)).toEqual([recheck(1)]);
  reduce(state, left(a2));
  expect(decideAll(state)).toEqual([{ kind: 'close-run', why: { kind: 'done' } }]);
  expect(reportOf(state).collectErrors).toHaveLength(1);
});

test('drops the error of a directory when another agent collects a file below it, before or after', () => {
  const failing = broke(a1, 1, 1, 'tests/conftest.py');
  for (const events of [
    [...failing, ...passed(a2, 2)],
    [...passed(a2, 2), ...failing],
  ]) {
    const state = stateAfter(run, ...begun, ...events);
    expect(decideAll(state)).toEqual([dismissal, { kind: 'start-attempt', shard: 's1', role: 'retry' }]);
    expect(state.failures).toBe(0);
  }
});

describe('agents on one machine, with the same files and packages', () => {
  const python = { python: 'cpython 3.12', platform: 'linux', plugins: { pytest: '9.0' }, packages: { six: '1' }, packagesDigest: 'd1' };
  const fingerprint = { files: { place: 'here', git: null, contents: null }, python };
  const joinedAs = (agent: AgentId, changes: Partial<AgentInfo> = {}): CoordinatorEvent =>
    joined(agent, 1000, 2, { fingerprint, ...changes });
  const failing = broke(a1, 1);
  const collecting = passed(a2, 1, 2);
  const why = `one process could collect ${fileOf(1)}, and another could not`;

  test.each([
    ['the error comes first', [...failing, ...collecting]],
    ['the error comes last', [enqueued(1, 2), ...collecting.slice(0, 2), ...failing]],
  ])('are not blamed for an error that only one of them has: the run needs the whole list (%s)', (_, events) => {
    const state = stateAfter(run, joinedAs(a1), joinedAs(a2), ...all, enqueued(1, 2), ...events);
    expect(state.agents.get(a1)?.conduct.contradicted).toBeNull();
    expect(decide(state)).toEqual([{ kind: 'close-run', why: { kind: 'stopped', notRun: 'inseparable', by: 'cancelled' } }]);
    expect(restartOf(state, 5000)?.restarted).toEqual({ why, voidTests: expect.any(Number), mismatch: null });
    // If the run does not restart, the error counts.
    expect(reportOf(state).collectErrors).toHaveLength(1);
  });

  test('are not blamed when one cannot collect a directory above a file that the other collected', () => {
    const above = [...passed(a2, 2), ...broke(a1, 1, 1, 'tests/conftest.py')];
    const state = stateAfter(run, joinedAs(a1), joinedAs(a2), ...all, ...above);
    expect(restartOf(state, 5000)?.restarted?.why).toBe('one process could collect tests/conftest.py, and another could not');
  });

  test.each<[string, Partial<AgentInfo>]>([
    ['another host', { host: 'other' }],
    ['another package', { fingerprint: { ...fingerprint, python: { ...python, packages: {}, packagesDigest: 'd2' } } }],
    ['other files', { fingerprint: { ...fingerprint, files: { place: 'there', git: null, contents: 'c2' } } }],
    ['an unknown fingerprint', { fingerprint: { files: null, python: null } }],
  ])('%s keeps the blame on the agent with the error', (_, changes) => {
    for (const events of [
      [...failing, ...collecting],
      [...collecting.slice(0, 2), ...failing],
    ]) {
      const state = stateAfter(run, joinedAs(a1), joinedAs(a2, changes), ...all, enqueued(1, 2), ...events);
      expect(state.agents.get(a1)?.conduct.contradicted).toEqual({ file: fileOf(1), by: a2 });
      expect(restartOf(state, 5000)).toBeNull();
    }
  });
});

test('does not recheck an error that discovery found too, or a failed teardown', () => {
  const known = opened(run.shards, { collectErrors: [{ file: fileOf(1), message: 'first' }] });
  expect(decide(stateAfter(known, ...begun, ...broke(a1, 1)))).toEqual([]);
  const late = [...passed(a1, 1).slice(0, 3), reported(a1, 1, 1, collectFailed(fileOf(1), 'in a teardown')), ended(a1, 1)];
  const state = stateAfter(run, ...begun, ...passed(a2, 2), ...late);
  expect(decide(state)).toEqual([]);
  expect(reportOf(state).collectErrors).toHaveLength(1);
});

test('a collection error stops the run at maxfail only after another agent confirms it', () => {
  const limited = opened(run.shards, { maxfail: 1 });
  const state = stateAfter(limited, ...begun, ...broke(a1, 1).slice(0, 2), ended(a1, 1, 1, { kind: 'interrupted', by: 'maxfail' }));
  expect(decideAll(state)).toEqual([recheck(1)]);
  for (const event of broke(a2, 1, 2)) reduce(state, event);
  expect(decideAll(state)).toEqual([{ kind: 'close-run', why: { kind: 'stopped', notRun: 'maxfail', by: 'maxfail' } }]);
});

test('re-runs the failed tests of an agent that cannot collect everything', () => {
  const failing = [...passed(a1, 2).slice(0, 2), reported(a1, 2, 1, finished(idOf(2), 'failed')), ended(a1, 2)];
  const state = stateAfter(run, ...begun, ...failing, ...broke(a1, 1));
  decideAll(state);
  for (const event of passed(a2, 1, 2)) reduce(state, event);
  decideAll(state);
  for (let shard = 3; shard <= 14; shard += 1) for (const event of passed(a2, shard)) reduce(state, event);
  expect(decideAll(state)).toEqual([{ kind: 'start-attempt', shard: 's2', role: 'rerun' }]);
});
