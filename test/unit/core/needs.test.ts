import { describe, expect, test } from 'vitest';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import { NONE_KNOWN, unitsWithNeeds } from '../../../coordinator/core/plan/unit-needs.ts';
import { merge } from '../../../coordinator/core/result/merge.ts';
import { LOST_HOLD_MS } from '../../../coordinator/core/state/attempts/holders.ts';
import { claimsOf } from '../../../coordinator/core/state/attempts/unit-claims.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import type { RunState } from '../../../coordinator/core/state/run-state.ts';
import { type AgentId, agentId, nodeId, shardId } from '../../../shared/domain/ids.ts';
import { isNone, type Needs, NO_NEEDS } from '../../../shared/domain/needs.ts';
import type { Shard } from '../../../shared/domain/shard.ts';
import { needsSchema, shardNeedsSchema } from '../../../shared/wire/attempt.ts';
import {
  collected,
  decideAll,
  draining,
  ended,
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

const [a1, a2] = [agentId('a1'), agentId('a2')];
const resource = (name: string, units = 1): Needs => ({ labels: [], resources: [{ name, units }] });
const label = (...labels: string[]): Needs => ({ labels, resources: [] });
const needing = (index: number, needs: Needs): Shard => ({ ...shardOf(index, [`test_${index}.py`]), needs });
const labelled = (agent: AgentId, ...labels: string[]) => joined(agent, 1000, 2, { labels });

const startsOf = (state: RunState): readonly string[] =>
  decideAll(state).flatMap((action) => (action.kind === 'start-attempt' ? [action.shard] : []));
const then = (state: RunState, ...events: readonly CoordinatorEvent[]): readonly string[] => {
  for (const event of events) reduce(state, event);
  return startsOf(state);
};

test('starts only as many shards as a resource has units', () => {
  const shards = [1, 2, 3].map((index) => needing(index, resource('db')));
  expect(startsOf(stateAfter(opened(shards), joined(a1)))).toEqual(['s1']);
  expect(startsOf(stateAfter(opened(shards, { resources: { db: 2 } }), joined(a1)))).toEqual(['s1', 's2']);
});

test('starts the next shard when the holder ends, the one that waited longest first', () => {
  const state = stateAfter(opened([1, 2, 3].map((index) => needing(index, resource('db')))), joined(a1));
  expect(startsOf(state)).toEqual(['s1']);
  const results = [reported(a1, 1, 1, collected('test_1.py', ['test_1.py::t'])), reported(a1, 1, 1, finished('test_1.py::t'))];
  expect(then(state, started(a1, 1), ...results, ended(a1, 1))).toEqual(['s2']);
});

test('keeps a resource free for a shard that waits for several, so that nobody overtakes it', () => {
  const both = {
    labels: [],
    resources: [
      { name: 'db', units: 1 },
      { name: 'port', units: 1 },
    ],
  };
  const state = stateAfter(opened([needing(1, resource('db')), needing(2, both), needing(3, resource('port'))]), joined(a1));
  expect(startsOf(state)).toEqual(['s1']);
});

test('holds a resource of a lost agent until its lease has ended', () => {
  const state = stateAfter(opened([1, 2].map((index) => needing(index, resource('db')))), joined(a1), joined(a2));
  expect(startsOf(state)).toEqual(['s1']);
  expect(then(state, started(a1, 1), lost(a1, 5000))).toEqual([]);
  expect(then(state, tick(5000 + LOST_HOLD_MS - 1))).toEqual([]);
  expect(then(state, tick(5000 + LOST_HOLD_MS))).toHaveLength(1);
});

test('stops the attempt of a lost agent that returns, and starts another once it has ended', () => {
  const state = stateAfter(opened([needing(1, resource('db'))]), joined(a1));
  startsOf(state);
  for (const event of [started(a1, 1), lost(a1, 5000), { kind: 'agent-returned', at: 6000, agent: a1 } as const]) reduce(state, event);
  expect(decideAll(state)).toMatchObject([
    { kind: 'cancel-attempt', attempt: 's1.1', by: 'superseded' },
    { kind: 'await-needs', shard: 's1' },
  ]);
  expect(then(state, ended(a1, 1, 1, { kind: 'interrupted', by: 'superseded' }))).toEqual(['s1']);
});

test('claims the units that other runs may use, waits only for those it does not get, and starts what is granted', () => {
  const opening = opened(
    [1, 2, 3].map((index) => needing(index, resource('db'))),
    { resources: { db: 2 } },
  );
  const state = stateAfter({ ...opening, spec: { ...opening.spec, unitsIn: 'default' } }, joined(a1));
  expect(decideAll(state)).toMatchObject([
    { kind: 'await-needs', shard: 's3' },
    { kind: 'claim-units', claims: [{ attempt: 's1.1' }, { attempt: 's2.1' }] },
  ]);
  const answer = (granted: readonly string[], waiting: readonly string[]): CoordinatorEvent =>
    ({ kind: 'units-leased', at: 2000, granted, waiting }) as CoordinatorEvent;
  reduce(state, answer(['s2.1'], ['s1.1']));
  expect(decideAll(state)).toMatchObject([
    { kind: 'start-attempt', shard: 's2' },
    { kind: 'await-needs', shard: 's1', lacks: resource('db') },
  ]);
  expect(claimsOf(state).map(({ attempt }) => attempt)).toEqual(['s2.1', 's1.1']);
  // What is not wanted any more is not claimed any more, granted or not.
  reduce(state, answer(['s1.1'], []));
  for (const event of [reported(a1, 1, 1, collected('test_1.py', [])), givenUp(1)]) reduce(state, event);
  expect(decideAll(state)).toMatchObject([{ kind: 'claim-units', claims: [{ attempt: 's3.1' }] }]);
});

test('claims anew what is granted for other units than an attempt needs by now', () => {
  const opening = opened([needing(1, resource('db'))], { resources: { db: 2 } });
  const state = stateAfter({ ...opening, spec: { ...opening.spec, unitsIn: 'default' } }, joined(a1));
  decideAll(state);
  const answer = { kind: 'units-leased', at: 2000, granted: ['s1.1'], waiting: [] } as unknown as CoordinatorEvent;
  const claimed = { kind: 'units-claimed', at: 2000, claims: [{ attempt: 's1.1', resources: resource('db', 2).resources }] };
  for (const event of [answer, claimed as CoordinatorEvent]) reduce(state, event);
  expect(decideAll(state)).toMatchObject([{ kind: 'claim-units', claims: [{ attempt: 's1.1', resources: resource('db').resources }] }]);
  reduce(state, answer);
  expect(startsOf(state)).toEqual(['s1']);
});

test('claims units of other runs only while an agent takes work, and gives them back with the last one', () => {
  const opening = opened([needing(1, resource('db'))]);
  const state = stateAfter({ ...opening, spec: { ...opening.spec, unitsIn: 'default' } });
  const granted = { kind: 'units-leased', at: 2000, granted: ['s1.1'], waiting: [] } as unknown as CoordinatorEvent;
  expect(decideAll(state)).toEqual([]);
  reduce(state, joined(a1));
  expect(decideAll(state)).toMatchObject([{ kind: 'claim-units', claims: [{ attempt: 's1.1' }] }]);
  for (const event of [draining(a1), granted]) reduce(state, event);
  expect(decideAll(state)).toMatchObject([{ kind: 'claim-units', claims: [] }]);
  expect(claimsOf(state)).toEqual([]);
  for (const event of [joined(a2), granted]) reduce(state, event);
  expect(decideAll(state)).toMatchObject([{ kind: 'claim-units', claims: [{ attempt: 's1.1' }] }]);
  reduce(state, granted);
  expect(startsOf(state)).toEqual(['s1']);
  reduce(state, lost(a2, 5000));
  expect(decideAll(state)).toMatchObject([
    { kind: 'lose-attempt', attempt: 's1.1' },
    { kind: 'cancel-attempt', attempt: 's1.1' },
  ]);
  // The agent may have fetched the attempt just before.
  reduce(state, tick(5000 + LOST_HOLD_MS - 1));
  expect(claimsOf(state)).toHaveLength(1);
  reduce(state, tick(5000 + LOST_HOLD_MS));
  expect(claimsOf(state)).toEqual([]);
});

test('asks again for the units of a resumed run', () => {
  const opening = opened([needing(1, resource('db'))]);
  const state = stateAfter({ ...opening, spec: { ...opening.spec, unitsIn: 'default' } }, joined(a1));
  decideAll(state);
  for (const event of [
    { kind: 'units-leased', at: 2000, granted: ['s1.1'], waiting: [] },
    { kind: 'run-resumed', at: 3000 },
  ])
    reduce(state, event as CoordinatorEvent);
  expect(startsOf(state)).toEqual([]);
});

test('sends a shard with a label to the queue of agents that have it', () => {
  const state = stateAfter(opened([needing(1, label('gpu'))]), joined(a1), labelled(a2, 'big', 'gpu'));
  expect(nextAttempt(state, shardId(1), 'primary')).toMatchObject({ lane: ['big', 'gpu'], needs: label('gpu') });
});

test('enqueues a shard for others once the last agent of its queue has left', () => {
  const a3 = agentId('a3');
  const state = stateAfter(opened([needing(1, label('gpu'))]), labelled(a2, 'gpu'));
  expect(startsOf(state)).toEqual(['s1']);
  for (const event of [left(a2), labelled(a3, 'big', 'gpu')]) reduce(state, event);
  expect(decideAll(state)).toMatchObject([
    { kind: 'lose-attempt', attempt: 's1.1' },
    { kind: 'start-attempt', shard: 's1' },
  ]);
  expect(state.attempts.get('s1.2' as never)?.lane).toEqual(['big', 'gpu']);
});

test('starts a shard on an agent that stays, and reports what it lacks if only draining agents have its label', () => {
  const state = stateAfter(opened([needing(1, label('gpu')), needing(2, label('big'))]), labelled(a1, 'gpu'), labelled(a2, 'big', 'gpu'));
  reduce(state, draining(a1));
  expect(nextAttempt(state, shardId(1), 'primary')).toMatchObject({ lane: ['big', 'gpu'] });
  reduce(state, draining(a2));
  expect(decideAll(state)).toMatchObject([
    { kind: 'await-needs', shard: 's1', lacks: label('gpu') },
    { kind: 'await-needs', shard: 's2', lacks: label('big') },
  ]);
});

test('takes an attempt out of the queue of agents that all drain', () => {
  const state = stateAfter(opened([needing(1, label('gpu'))], { onlyAgents: 1 }), labelled(a1, 'gpu'));
  expect(startsOf(state)).toEqual(['s1']);
  reduce(state, draining(a1));
  expect(decideAll(state)).toMatchObject([
    { kind: 'lose-attempt', attempt: 's1.1' },
    { kind: 'await-needs', shard: 's1', lacks: label('gpu') },
    { kind: 'give-up-shard', shard: 's1', why: 'unmet-needs' },
    { kind: 'close-run' },
  ]);
});

test('leaves an attempt that a draining agent runs to it', () => {
  const state = stateAfter(opened([needing(1, label('gpu'))], { onlyAgents: 1 }), labelled(a1, 'gpu'));
  expect(startsOf(state)).toEqual(['s1']);
  for (const event of [started(a1, 1), draining(a1)]) reduce(state, event);
  expect(decideAll(state)).toEqual([]);
});

test('reports a label that no agent has at once, and gives up when no other agent can join', () => {
  const alone = stateAfter(opened([needing(1, label('gpu'))], { onlyAgents: 1 }), joined(a1));
  expect(decideAll(alone)).toMatchObject([
    { kind: 'await-needs', shard: 's1', lacks: label('gpu') },
    { kind: 'give-up-shard', shard: 's1', why: 'unmet-needs' },
    { kind: 'close-run' },
  ]);
  expect(merge(alone, { finishedAt: 9000, mergeSeconds: 0 })).toMatchObject({
    exitCode: 11,
    verdict: 'incomplete',
    notRun: [{ nodeid: 'test_1.py', reason: 'unmet-needs', lacks: 'the label gpu' }],
    waits: [{ shard: 's1', labels: ['gpu'] }],
  });
});

test('waits for an agent with the label as long as for any agent', () => {
  const state = stateAfter(opened([needing(1, label('gpu'))], { waitAgentSeconds: 60 }), joined(a1));
  expect(decideAll(state)).toMatchObject([{ kind: 'await-needs' }]);
  reduce(state, tick(1000 + 59_000));
  expect(decide(state)).toEqual([]);
  reduce(state, tick(1000 + 60_000));
  expect(decideAll(state)).toMatchObject([{ kind: 'give-up-shard', why: 'unmet-needs' }, { kind: 'close-run' }]);
});

test('waits for the only agent with the label to return, though no other agent can join', () => {
  const shards = [needing(1, label('gpu'))];
  const state = stateAfter(opened(shards, { onlyAgents: 2, waitAgentSeconds: 60 }), joined(a1), labelled(a2, 'gpu'), lost(a2, 5000));
  expect(decideAll(state)).toMatchObject([{ kind: 'await-needs' }]);
  reduce(state, { kind: 'agent-returned', at: 6000, agent: a2 });
  expect(startsOf(state)).toEqual(['s1']);
});

test('gives up a shard that needs more units than a resource has', () => {
  const state = stateAfter(opened([needing(1, resource('db', 3))], { resources: { db: 2 } }), joined(a1));
  expect(decideAll(state)).toMatchObject([{ kind: 'give-up-shard', why: 'unmet-needs' }, { kind: 'close-run' }]);
  const { notRun } = merge(state, { finishedAt: 9000, mergeSeconds: 0 });
  expect(notRun).toMatchObject([{ lacks: '3 units of the resource db, which has 2' }]);
});

const many = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `n${String(index).padStart(3, '0')}`);

test.each([
  ['labels', label],
  ['resources', (...names: string[]): Needs => ({ labels: [], resources: names.map((name) => ({ name, units: 1 })) })],
] as const)('gives up tests that must stay together and need more %s than an attempt can name', (what, needing) => {
  const unit = { selectors: shardOf(1, ['test_1.py']).selectors, seconds: 1 };
  const needsOfPlan = (count: number): Needs | undefined => {
    const tests = new Map(many(count).map((name) => [nodeId(`test_1.py::${name}`), needing(name)]));
    return unitsWithNeeds([unit], { ...NONE_KNOWN, ofTests: () => tests }, { unit: 'file' }, new Map())[0]?.needs;
  };
  const opening = (count: number) => opened([{ ...shardOf(1, ['test_1.py']), needs: needsOfPlan(count) }]);
  expect(startsOf(stateAfter(opening(50), labelled(a1, ...many(50))))).toEqual(['s1']);
  expect(needsSchema.safeParse(needsOfPlan(50)).success).toBe(true);
  const state = stateAfter(opening(80), labelled(a1, ...many(50)));
  expect(decideAll(state)).toMatchObject([{ kind: 'give-up-shard', why: 'unmet-needs' }, { kind: 'close-run' }]);
  const { notRun, exitCode } = merge(state, { finishedAt: 9000, mergeSeconds: 0 });
  expect(notRun).toMatchObject([{ lacks: `more than 50 ${what}, the limit for tests that run together` }]);
  expect(exitCode).toBe(11);
  expect(shardNeedsSchema.safeParse(needsOfPlan(80)).success).toBe(true);
});

test('divides a shard by the needs that its collection shows', () => {
  const ids = ['test_1.py::plain', 'test_1.py::gpu', 'test_1.py::db1', 'test_1.py::db2'];
  const needs = [label('gpu'), resource('db'), resource('db')].map((own, index) => ({ nodeid: nodeId(ids[index + 1] ?? ''), needs: own }));
  const state = stateAfter(opened([shardOf(1, ['test_1.py'])]), joined(a1));
  decideAll(state);
  const report = { ...collected('test_1.py', ids), needs } as ReturnType<typeof collected>;
  for (const event of [started(a1, 1), reported(a1, 1, 1, report), reported(a1, 1, 1, finished('test_1.py::plain')), ended(a1, 1)])
    reduce(state, event);
  expect(decide(state)).toEqual([{ kind: 'divide-shard', shard: 's1' }]);
  decideAll(state);
  const parts = [...state.shards.values()].filter(({ state: its }) => its.kind !== 'split');
  expect(parts.map(({ shard }) => [shard.needs, shard.selectors])).toEqual([
    [label('gpu'), [{ kind: 'tests', file: 'test_1.py', nodeids: [ids[1]] }]],
    [resource('db'), [{ kind: 'tests', file: 'test_1.py', nodeids: [ids[2], ids[3]] }]],
  ]);
  expect(parts.map(({ isPart }) => isPart)).toEqual([false, false]);
});

describe('with a deadline', () => {
  const deadline = { deadline: { seconds: 3600, reserveSeconds: 1 } };
  /** Shards of these needs, of a second each, in the order of the plan. */
  const shardsOf = (...needs: readonly Needs[]): readonly Shard[] =>
    needs.map((each, index) => (isNone(each) ? shardOf(index + 1, [`test_${index + 1}.py`]) : needing(index + 1, each)));
  const times = (count: number, needs: Needs): readonly Needs[] => Array.from({ length: count }, () => needs);
  const namesOf = (from: number, to: number): readonly string[] => Array.from({ length: to - from + 1 }, (_, index) => `s${from + index}`);
  const waitsOf = (actions: ReturnType<typeof decideAll>): readonly string[] =>
    actions.flatMap((action) => (action.kind === 'await-needs' ? [action.shard] : []));
  const done = (agent: AgentId, shard: number): readonly CoordinatorEvent[] => [
    started(agent, shard),
    reported(agent, shard, 1, collected(`test_${shard}.py`, [])),
    ended(agent, shard),
  ];
  /** Four xdist workers take nine attempts: two each, and one for the agent. */
  const four = joined(a1, 1000, 4);

  test('shards that wait for a resource leave the room to others, and the next one starts first when the resource is free', () => {
    const state = stateAfter(opened(shardsOf(...times(20, resource('db')), ...times(40, NO_NEEDS)), deadline), four);
    const actions = decideAll(state);
    const starts = actions.flatMap((action) => (action.kind === 'start-attempt' ? [action.shard] : []));
    expect(starts).toEqual(['s1', ...namesOf(21, 28)]);
    expect(waitsOf(actions)).toEqual(namesOf(2, 20));
    expect(then(state, ...done(a1, 21), ...done(a1, 22))).toEqual(['s29', 's30']);
    expect(then(state, ...done(a1, 1), ...done(a1, 23))).toEqual(['s2', 's31']);
  });

  test('shards that wait for a label leave the room to others, and start once an agent has it', () => {
    const state = stateAfter(opened(shardsOf(...times(20, label('gpu')), ...times(40, NO_NEEDS)), deadline), four);
    const actions = decideAll(state);
    expect(actions.flatMap((action) => (action.kind === 'start-attempt' ? [action.shard] : []))).toEqual(namesOf(21, 29));
    expect(waitsOf(actions)).toEqual(namesOf(1, 20));
    expect(then(state, joined(a2, 1000, 1, { labels: ['gpu'] }))).toEqual(namesOf(1, 3));
  });

  test('a shard waits for a label that no agent has, also while there is no room', () => {
    const state = stateAfter(opened(shardsOf(...times(12, NO_NEEDS), label('gpu'), resource('db')), deadline), four);
    expect(waitsOf(decideAll(state))).toEqual(['s13']);
  });

  test('the shards of one lane do not fill the room of other agents', () => {
    const shards = shardsOf(...times(20, label('gpu')), ...times(20, label('big')), ...times(20, NO_NEEDS));
    const state = stateAfter(
      opened(shards, deadline),
      four,
      labelled(a2, 'gpu'),
      joined(agentId('a3'), 1000, 1, { labels: ['big', 'arm'] }),
    );
    // Two xdist workers have room for five attempts, one for three, and all seven together for 17.
    expect(startsOf(state)).toEqual([...namesOf(1, 5), ...namesOf(21, 23), ...namesOf(41, 49)]);
    expect(waitsOf(decideAll(state))).toEqual([]);
    expect(then(state, ...done(a2, 1))).toEqual(['s6']);
  });

  test('a slot is idle for others while a lane has more than its agents can run', () => {
    // From second 1 to the drain at second 28: nothing fits, and each of the three slots takes a shard all the same.
    const long = (shard: Shard): Shard => ({ ...shard, predictedSeconds: 40 });
    const shards = shardsOf(...times(5, label('gpu')), ...times(5, NO_NEEDS)).map(long);
    const changes = { deadline: { seconds: 30, reserveSeconds: 1 }, order: 'longest' } as const;
    const state = stateAfter(opened(shards, changes), joined(a1), joined(a2, 1000, 1, { labels: ['gpu'] }));
    expect(startsOf(state)).toEqual(['s1', 's6', 's7']);
  });

  test('what a draining agent still runs takes no room from others', () => {
    const state = stateAfter(opened(shardsOf(...times(60, NO_NEEDS)), deadline), four);
    expect(startsOf(state)).toEqual(namesOf(1, 9));
    for (const name of [1, 2, 3, 4, 5, 6, 7, 8, 9]) reduce(state, started(a1, name));
    expect(then(state, joined(a2, 1000, 1), draining(a1))).toEqual(namesOf(10, 12));
  });

  test('starts a shard once other runs grant its units, though others have taken the room meanwhile', () => {
    const opening = opened(shardsOf(...times(2, resource('db')), ...times(40, NO_NEEDS)), deadline);
    const state = stateAfter({ ...opening, spec: { ...opening.spec, unitsIn: 'default' } }, four);
    expect(decideAll(state).filter(({ kind }) => kind !== 'start-attempt')).toMatchObject([
      { kind: 'await-needs', shard: 's2' },
      { kind: 'claim-units', claims: [{ attempt: 's1.1' }] },
    ]);
    expect(state.index.live.size).toBe(9);
    expect(decideAll(state)).toEqual([]);
    expect(then(state, { kind: 'units-leased', at: 2000, granted: ['s1.1'], waiting: [] } as unknown as CoordinatorEvent)).toEqual(['s1']);
  });
});
