import { expect, test } from 'vitest';
import {
  disconnectedNow,
  forgetConnections,
  isListingDue,
  noSuspicions,
  noticed,
  type Sighting,
} from '../../../coordinator/core/decide/liveness.ts';
import type { RunState } from '../../../coordinator/core/state/run-state.ts';
import { type AttemptId, attemptId, shardId } from '../../../shared/domain/ids.ts';
import { a1, a2, enqueued, joined, left, lost, opened, shardOf, started, stateAfter } from './run-kit.ts';

const opening = opened([shardOf(1, ['test_a.py']), shardOf(2, ['test_b.py'])]);
const id = (shard: number, fence = 1): AttemptId => attemptId(shardId(shard), fence);
const running = (): RunState => stateAfter(opening, joined(a1), joined(a2), enqueued(1), enqueued(2), started(a1, 1));
const all: Sighting = {
  alive: [a1, a2],
  waiting: new Set([id(2)]),
  taken: [{ attempt: id(1), agent: a1 }],
  holding: new Map([[a1, [id(1)]]]),
};

test('notices nothing when Redis agrees with the state', () => {
  expect(noticed(running(), noSuspicions(), [a1, a2], all, 5000)).toEqual([]);
});

test('reports a fetched attempt as taken, and its agent as lost after it is missing for a while', () => {
  const sighting = { ...all, alive: [a1], taken: [...all.taken, { attempt: id(2), agent: a2 }] };
  const suspicions = noSuspicions();
  expect(noticed(running(), suspicions, [a1, a2], sighting, 5000)).toEqual([
    { kind: 'attempt-taken', at: 5000, attempt: 's2.1', agent: 'a2' },
  ]);
  expect(noticed(running(), suspicions, [a1, a2], sighting, 6000)).toEqual([
    { kind: 'attempt-taken', at: 6000, attempt: 's2.1', agent: 'a2' },
    { kind: 'agent-lost', at: 6000, agent: 'a2' },
  ]);
});

test('does not lose a missing agent whose farewell is on its way', () => {
  const suspicions = noSuspicions();
  expect(noticed(running(), suspicions, [a1, a2], { ...all, alive: [a1] }, 5000)).toEqual([]);
  const state = stateAfter(opening, joined(a1), joined(a2), enqueued(1), enqueued(2), started(a1, 1), left(a2));
  expect(noticed(state, suspicions, [a1], { ...all, alive: [a1] }, 6000)).toEqual([]);
});

test('does not miss an agent that was not known to be alive when Redis was queried', () => {
  expect(noticed(running(), noSuspicions(), [a1], { ...all, alive: [a1] }, 5000)).toEqual([]);
});

test('reports a lost agent that is present again as returned', () => {
  const state = stateAfter(opening, joined(a1), joined(a2), lost(a2));
  expect(noticed(state, noSuspicions(), [a1], { ...all, taken: [], holding: new Map() }, 5000)).toEqual([
    { kind: 'agent-returned', at: 5000, agent: 'a2' },
  ]);
});

test('loses an attempt only after its agent has not held it for several seconds in a row', () => {
  const suspicions = noSuspicions();
  const without = { ...all, holding: new Map([[a1, []]]) };
  expect(noticed(running(), suspicions, [a1, a2], without, 5000)).toEqual([]);
  expect(noticed(running(), suspicions, [a1, a2], without, 9999)).toEqual([]);
  expect(noticed(running(), suspicions, [a1, a2], all, 10_000)).toEqual([]);
  expect(noticed(running(), suspicions, [a1, a2], without, 11_000)).toEqual([]);
  expect(noticed(running(), suspicions, [a1, a2], without, 16_000)).toEqual([
    { kind: 'attempt-lost', at: 16_000, attempt: 's1.1', agent: 'a1' },
  ]);
});

test('does not lose an attempt that was handed back and waits', () => {
  const state = stateAfter(opening, joined(a1), joined(a2), enqueued(1), enqueued(2), {
    kind: 'attempt-taken',
    at: 3000,
    attempt: id(2),
    agent: a2,
  });
  const suspicions = noSuspicions();
  const sighting = { ...all, waiting: new Set([id(1), id(2)]), taken: [], holding: new Map() };
  expect(noticed(state, suspicions, [a1, a2], sighting, 5000)).toEqual([]);
  expect(noticed(state, suspicions, [a1, a2], sighting, 15_000)).toEqual([]);
});

test('loses an attempt of an agent that left only after several seconds: it may have been handed back', () => {
  const state = stateAfter(opening, joined(a1), joined(a2), enqueued(1), enqueued(2), left(a2));
  const suspicions = noSuspicions();
  const sighting = { ...all, alive: [a1], waiting: new Set([id(1)]), taken: [{ attempt: id(2), agent: a2 }], holding: new Map() };
  expect(noticed(state, suspicions, [a1], sighting, 5000)).toEqual([]);
  expect(noticed(state, suspicions, [a1], sighting, 10_000)).toEqual([{ kind: 'attempt-lost', at: 10_000, attempt: 's2.1', agent: 'a2' }]);
});

test('loses an attempt that neither waits nor was fetched for several seconds', () => {
  const suspicions = noSuspicions();
  const sighting = { ...all, waiting: new Set<AttemptId>() };
  expect(noticed(running(), suspicions, [a1, a2], sighting, 5000)).toEqual([]);
  expect(noticed(running(), suspicions, [a1, a2], sighting, 10_000)).toEqual([
    { kind: 'attempt-lost', at: 10_000, attempt: 's2.1', agent: null },
  ]);
});

test('loses an agent whose connection stays closed, even before its presence expires', () => {
  const suspicions = noSuspicions();
  expect(disconnectedNow(suspicions, new Set([a1, a2]), running(), 5000)).toEqual([]);
  expect(disconnectedNow(suspicions, new Set([a2]), running(), 5200)).toEqual([]);
  expect(noticed(running(), suspicions, [a1, a2], all, 5300)).toEqual([]);
  expect(disconnectedNow(suspicions, new Set([a2]), running(), 6000)).toEqual(['a1']);
  expect(noticed(running(), suspicions, [a1, a2], all, 6000)).toEqual([{ kind: 'agent-lost', at: 6000, agent: 'a1' }]);
});

test('does not miss an agent that reconnects in time, or one that never connected', () => {
  const suspicions = noSuspicions();
  expect(disconnectedNow(suspicions, new Set([a1]), running(), 5000)).toEqual([]);
  expect(disconnectedNow(suspicions, new Set(), running(), 5200)).toEqual([]);
  expect(disconnectedNow(suspicions, new Set([a1]), running(), 5800)).toEqual([]);
  expect(disconnectedNow(suspicions, new Set([a1]), running(), 9000)).toEqual([]);
});

test('after a restart of Redis, misses only agents that have connected since', () => {
  const suspicions = noSuspicions();
  disconnectedNow(suspicions, new Set([a1, a2]), running(), 5000);
  forgetConnections(suspicions);
  expect(disconnectedNow(suspicions, new Set([a1]), running(), 5200)).toEqual([]);
  expect(disconnectedNow(suspicions, new Set([a1]), running(), 9000)).toEqual([]);
  expect(noticed(running(), suspicions, [a1, a2], all, 9000)).toEqual([]);
});

const many = opened(Array.from({ length: 3000 }, (_, index) => shardOf(index + 1, [`test_${index}.py`])));
const allEnqueued = Array.from({ length: 3000 }, (_, index) => enqueued(index + 1));
/** Two of 3000 attempts run, the others wait; `others` are those that Redis lists. */
const busy = (): RunState => stateAfter(many, joined(a1), ...allEnqueued, started(a1, 1), started(a1, 2));
const others = new Set(Array.from({ length: 2998 }, (_, index) => id(index + 3)));
const held = [id(1), id(2)];
const listed = { ...all, alive: [a1], waiting: others, taken: [], holding: new Map([[a1, held]]) };
const beside = { ...listed, waiting: null };

test('a short queue is listed at each look, a long one less often', () => {
  expect(isListingDue({ ...noSuspicions(), listedAt: 5000 }, running(), 6000)).toBe(true);
  const suspicions = noSuspicions();
  expect(isListingDue(suspicions, busy(), 5000)).toBe(true);
  noticed(busy(), suspicions, [a1], listed, 5000);
  expect(isListingDue(suspicions, busy(), 7000)).toBe(false);
  noticed(busy(), suspicions, [a1], beside, 7000);
  expect(isListingDue(suspicions, busy(), 7900)).toBe(false);
  expect(isListingDue(suspicions, busy(), 8000)).toBe(true);
});

test('a look beside the queue keeps earlier doubts, and no attempt is lost before the queue is listed again', () => {
  const suspicions = noSuspicions();
  const lacking = { ...listed, waiting: new Set([...others].filter((attempt) => attempt !== id(7))) };
  expect(noticed(busy(), suspicions, [a1], lacking, 5000)).toEqual([]);
  expect(noticed(busy(), suspicions, [a1], beside, 7000)).toEqual([]);
  expect(isListingDue(suspicions, busy(), 7499)).toBe(false);
  expect(isListingDue(suspicions, busy(), 7500)).toBe(true);
  expect(noticed(busy(), suspicions, [a1], beside, 10_000)).toEqual([]);
  expect(noticed(busy(), suspicions, [a1], lacking, 10_001)).toEqual([{ kind: 'attempt-lost', at: 10_001, attempt: 's7.1', agent: null }]);
});

test('an attempt that no agent holds is lost as soon as with a listing at each look, unless the queue has it', () => {
  const unheld = { holding: new Map([[a1, [id(1)]]]) };
  const suspicions = noSuspicions();
  noticed(busy(), suspicions, [a1], listed, 4000);
  expect(noticed(busy(), suspicions, [a1], { ...beside, ...unheld }, 5000)).toEqual([]);
  expect(isListingDue(suspicions, busy(), 7500)).toBe(true);
  expect(noticed(busy(), suspicions, [a1], { ...listed, ...unheld }, 10_000)).toEqual([
    { kind: 'attempt-lost', at: 10_000, attempt: 's2.1', agent: 'a1' },
  ]);
  const handedBack = { ...listed, ...unheld, waiting: new Set([...others, id(2)]) };
  expect(noticed(busy(), suspicions, [a1], handedBack, 11_000)).toEqual([]);
  expect(isListingDue(suspicions, busy(), 11_500)).toBe(false);
});
