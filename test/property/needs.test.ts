// Properties of grants and of units with needs.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from '../../coordinator/core/decide/decide.ts';
import { NO_AFFINITY } from '../../coordinator/core/plan/affinity.ts';
import { planShards } from '../../coordinator/core/plan/plan.ts';
import { unitsWithNeeds } from '../../coordinator/core/plan/unit-needs.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import type { RunState } from '../../coordinator/core/state/run-state.ts';
import { agentId, attemptId, type NodeId, nodeId, shardId, testFile } from '../../shared/domain/ids.ts';
import { allNeeds, covers, type Needs } from '../../shared/domain/needs.ts';
import type { FileTiming } from '../../shared/domain/suite/timings.ts';
import { eventOf, joined, opened, shardOf, stateAfter } from '../unit/core/run-kit.ts';

const LIMITS = { db: 1, port: 2, seat: 3 };
const names = Object.keys(LIMITS) as (keyof typeof LIMITS)[];

/** Never more units than there are. */
const someNeeds: fc.Arbitrary<Needs> = fc
  .array(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 1, max: 3 })), { maxLength: 3 })
  .map((all) => allNeeds({ labels: [], resources: all.map(([name, units]) => ({ name, units: Math.min(units, LIMITS[name]) })) }));

const a1 = agentId('a1');

const isWithinLimits = (state: RunState): boolean =>
  names.every((name) => {
    const live = [...state.index.live].flatMap(({ needs }) => needs.resources.filter((need) => need.name === name));
    return live.reduce((sum, { units }) => sum + units, 0) <= LIMITS[name];
  });

test('whatever shards need and in whatever order they end, no resource is in use above its limit, and every shard starts', () => {
  fc.assert(
    fc.property(fc.array(someNeeds, { minLength: 1, maxLength: 12 }), fc.infiniteStream(fc.nat()), (all, choices) => {
      const shards = all.map((needs, index) => ({ ...shardOf(index + 1, [`test_${index}.py`]), needs }));
      const state = stateAfter(opened(shards, { resources: LIMITS, attemptLimit: 1 }), joined(a1));
      const begun = new Set<string>();
      for (let turn = 0; begun.size < shards.length || state.index.live.size > 0; turn += 1) {
        expect(turn).toBeLessThan(100);
        for (const action of decide(state)) {
          if (action.kind === 'close-run') continue;
          reduce(state, eventOf(state, action, 1000 + turn));
          if (action.kind === 'start-attempt') begun.add(action.shard);
        }
        expect(isWithinLimits(state)).toBe(true);
        const live = [...state.index.live];
        const one = live[(choices.next().value ?? 0) % Math.max(1, live.length)];
        if (one === undefined) continue;
        const about = { agent: a1, attempt: one.id, shard: one.shard };
        reduce(state, { kind: 'attempt-started', at: 2000, ...about, fence: one.fence, role: one.role });
        reduce(state, { kind: 'attempt-ended', at: 3000, ...about, ending: { kind: 'finished' }, seconds: 1 });
      }
    }),
  );
});

test('the shard that waits longest is the next one that starts of those that need the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 8 }), (count) => {
      const needs = allNeeds({ labels: [], resources: [{ name: 'db', units: 1 }] });
      const shards = Array.from({ length: count }, (_, index) => ({ ...shardOf(index + 1, [`test_${index}.py`]), needs }));
      const state = stateAfter(opened(shards, { attemptLimit: 1 }), joined(a1));
      const order: string[] = [];
      for (let turn = 0; turn < count; turn += 1) {
        // A shard whose only attempt ended without results is given up first.
        for (const _ of ['give up', 'start'])
          for (const action of decide(state)) if (action.kind !== 'close-run') reduce(state, eventOf(state, action, 1000 + turn));
        for (const { shard, state: its } of state.shards.values())
          if (its.kind === 'open' && !order.includes(shard.id)) order.push(shard.id);
        const about = { agent: a1, attempt: attemptId(shardId(turn + 1), 1), shard: shardId(turn + 1) };
        reduce(state, { kind: 'attempt-started', at: 2000, ...about, fence: 1, role: 'primary' });
        reduce(state, { kind: 'attempt-ended', at: 3000, ...about, ending: { kind: 'finished' }, seconds: 1 });
      }
      expect(order).toEqual(shards.map(({ id }) => id));
    }),
  );
});

test('every test of a file is in exactly one shard, and that shard has what the test needs', () => {
  const file = testFile('test_a.py');
  const tests = fc.array(fc.tuple(someNeeds, fc.boolean()), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(tests, someNeeds, (all, ofFile) => {
      const ids = all.map((_, index) => nodeId(`test_a.py::test_${index}`));
      const needs = new Map<NodeId, Needs>(
        all.flatMap(([own], index) => (own.resources.length === 0 ? [] : [[ids[index] as NodeId, own]])),
      );
      // Durations of some tests are not known.
      const timed = new Map(all.flatMap(([, isTimed], index) => (isTimed ? [[ids[index] as NodeId, 1] as const] : [])));
      const timing: FileTiming = { seconds: 1, collectSeconds: 0, fixtureSeconds: 0, tests: timed, lastRuns: new Map() };
      const known = { ofFile: () => ofFile, ofTests: () => needs };
      const units = unitsWithNeeds([{ selectors: [{ kind: 'file', file }], seconds: 1 }], known, NO_AFFINITY, new Map([[file, timing]]));
      const { shards } = planShards({ units, slots: 4, fixedSeconds: 0.005 });
      for (const id of ids) {
        const holders = shards.filter(({ selectors }) =>
          selectors.some((selector) => {
            if (selector.kind !== 'part') return selector.kind === 'file';
            return selector.only === null ? !selector.except.includes(id) : selector.only.includes(id);
          }),
        );
        expect(holders).toHaveLength(1);
        const wanted = allNeeds(ofFile, needs.get(id) ?? allNeeds());
        // A test that is not known to the durations may be one that needs nothing and stays in a file whose known tests all need something.
        expect(covers(holders[0]?.needs ?? allNeeds(), wanted)).toBe(true);
      }
    }),
  );
});
