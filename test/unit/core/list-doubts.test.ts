// Agents that each collect the whole list: the lists of the others decide whether a collection error counts.

import { expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { type AgentId, agentId, nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { SuiteList } from '../../../shared/domain/suite/suite-list.ts';
import {
  a1,
  a2,
  collected,
  collectFailed,
  decideAll,
  ended,
  finished,
  joined,
  opened,
  reported,
  reportOf,
  started,
  stateAfter,
} from './run-kit.ts';

const a3 = agentId('a3');
const base = opened([]);
const run = { ...base, spec: { ...base.spec, collect: 'suite' as const } };
const [good, bad] = ['test_good.py', 'test_bad.py'] as const;
const close = { kind: 'close-run', why: { kind: 'done' } };

/** A list with one test of each file; the `failed` files could not be collected. */
const listOf = (files: readonly string[], failed: readonly string[] = []): SuiteList => ({
  hash: files.join(' '),
  order: 'free',
  why: null,
  tail: null,
  bound: [],
  others: failed.map(testFile),
  failed: failed.map(testFile),
  groups: files.map((file) => ({ file: testFile(file), nodeids: [nodeId(`${file}::test_x`)] })),
  proof: null,
});
const listed = (agent: AgentId, list: SuiteList): CoordinatorEvent => ({ kind: 'suite-listed', at: 1500, agent, list });
const lacking = listOf([good], [bad]);
const whole = listOf([good, bad]);

/** The events of an agent that runs one shard from its own list. */
const ran = (agent: AgentId, shard: number, list: SuiteList, files: readonly string[], fence = 1): readonly CoordinatorEvent[] => [
  started(agent, shard, fence),
  ...files.flatMap((file) =>
    list.failed.includes(testFile(file))
      ? [reported(agent, shard, fence, collectFailed(file, `no module on ${agent}`))]
      : [reported(agent, shard, fence, collected(file, [`${file}::test_x`])), reported(agent, shard, fence, finished(`${file}::test_x`))],
  ),
  ended(agent, shard, fence),
];
const both = [joined(a1), joined(a2)];

test('an error of the first list waits for the list of another agent, and counts when that list has it too', () => {
  const state = stateAfter(run, ...both, listed(a1, lacking));
  expect(decideAll(state).filter(({ kind }) => kind !== 'plan-suite')).toHaveLength(state.shards.size);
  for (const shard of state.shards.values())
    for (const event of ran(a1, Number(shard.shard.id.slice(1)), lacking, [...shard.files.keys()])) reduce(state, event);
  expect(decideAll(state)).toEqual([]);
  reduce(state, listed(a2, lacking));
  expect(decideAll(state)).toEqual([close]);
  expect(reportOf(state)).toMatchObject({ verdict: 'failed', collectErrors: [{ file: bad }], totals: { passed: 1 } });
});

test('an error of the first list counts when no other agent can send a list', () => {
  const state = stateAfter(run, joined(a1), listed(a1, lacking));
  decideAll(state);
  for (const shard of state.shards.values())
    for (const event of ran(a1, Number(shard.shard.id.slice(1)), lacking, [...shard.files.keys()])) reduce(state, event);
  expect(decideAll(state)).toEqual([close]);
  expect(reportOf(state).collectErrors).toHaveLength(1);
});

test('quarantines an agent whose list lacks a file of another list, for that reason and in either order', () => {
  for (const lists of [
    [listed(a1, lacking), listed(a2, whole)],
    [listed(a2, whole), listed(a1, lacking)],
  ]) {
    const state = stateAfter(run, ...both, ...lists);
    const actions = [...decideAll(state), ...decideAll(state)];
    expect(actions.filter(({ kind }) => kind === 'dismiss-agent')).toEqual([{ kind: 'dismiss-agent', agent: 'a1', why: 'collection' }]);
    expect(reportOf(state).agents[0]).toMatchObject({ ended: 'quarantined', why: `it could not collect ${bad}, and agent a2 could` });
  }
});

test('drops the collection errors of an agent whose list lost, before and after its quarantine', () => {
  const state = stateAfter(run, ...both, listed(a1, lacking));
  decideAll(state);
  for (const shard of state.shards.values())
    for (const event of ran(a1, Number(shard.shard.id.slice(1)), lacking, [...shard.files.keys()])) reduce(state, event);
  reduce(state, listed(a2, whole));
  expect(reportOf(state).collectErrors).toEqual([]);
  expect(state.failures).toBe(0);
  decideAll(state);
  decideAll(state);
  const open = [...state.shards.values()].filter(({ state: { kind } }) => kind === 'open');
  expect(open.flatMap(({ files }) => [...files.keys()])).toEqual([bad]);
  for (const { shard } of open) {
    for (const event of ran(a1, Number(shard.id.slice(1)), lacking, [bad])) reduce(state, event);
    expect(reportOf(state).collectErrors).toEqual([]);
    decideAll(state);
    for (const event of ran(a2, Number(shard.id.slice(1)), whole, [bad], 2)) reduce(state, event);
  }
  expect(decideAll(state)).toEqual([close]);
  expect(reportOf(state)).toMatchObject({ verdict: 'passed', totals: { expected: 2, passed: 2 } });
});

test('quarantines an agent for its list when it has other tests and no collection errors', () => {
  const state = stateAfter(run, ...both, listed(a1, whole), listed(a2, listOf([good, 'test_seed.py'])));
  const actions = [...decideAll(state), ...decideAll(state)];
  expect(actions.filter(({ kind }) => kind === 'dismiss-agent')).toEqual([{ kind: 'dismiss-agent', agent: 'a2', why: 'other-list' }]);
});

test('blames an agent for an error that another agent with the same tests does not have', () => {
  const noTests = { ...listOf([good], []), hash: lacking.hash };
  const state = stateAfter(run, ...both, joined(a3), listed(a1, lacking), listed(a2, noTests));
  decideAll(state);
  decideAll(state);
  for (const shard of state.shards.values())
    for (const event of ran(a1, Number(shard.shard.id.slice(1)), lacking, [...shard.files.keys()])) reduce(state, event);
  expect(reportOf(state).collectErrors).toEqual([]);
  expect(decideAll(state)).toContainEqual({ kind: 'dismiss-agent', agent: 'a1', why: 'collection' });
});

test('ignores the list of a refused agent', () => {
  const state = stateAfter({ ...run, python: null }, joined(a1));
  const agent = state.agents.get(a1);
  if (agent !== undefined) agent.differences = { refused: ['commit old, the run has new'], warned: [] };
  reduce(state, listed(a1, whole));
  expect(state.suite.list).toBeNull();
});
