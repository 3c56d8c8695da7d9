// Speculation never changes an outcome, whichever copy reports first.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttempt } from '../../coordinator/core/decide/attempt-request.ts';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { openRun, type RunState } from '../../coordinator/core/state/run-state.ts';
import { agentId } from '../../shared/domain/ids.ts';
import { outcomes } from '../../shared/domain/outcome.ts';
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
  tick,
} from '../unit/core/run-kit.ts';

const slowShards = fc.array(
  fc.record({
    tests: fc.array(fc.constantFrom(...outcomes), { minLength: 1, maxLength: 5 }),
    reported: fc.nat({ max: 5 }),
    mayBackUp: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
);
type Slow = typeof slowShards extends fc.Arbitrary<infer Value> ? Value : never;

const idsOf = (shard: number, { tests }: Slow[number]): readonly string[] => tests.map((_, index) => `test_${shard}.py::test_${index}`);
const resultOf = (shard: number, slow: Slow[number], index: number) =>
  finished(`test_${shard}.py::test_${index}`, slow.tests[index] ?? 'passed');

/** A long shard is done on a2; the others hang on a1, each with some of its results reported. */
function untilLate(slow: Slow, speculate: boolean): RunState {
  const shards = [shardOf(1, ['test_1.py'], 1000), ...slow.map((_, index) => shardOf(index + 2, [`test_${index + 2}.py`], 1))];
  const state = openRun(opened(shards, { speculate }));
  const take = (...events: readonly CoordinatorEvent[]): void => {
    for (const event of events) reduce(state, event);
  };
  take(
    joined(a1, 1000, 4),
    joined(a2, 1000, 4),
    enqueued(1),
    started(a2, 1),
    reported(a2, 1, 1, collected('test_1.py', ['test_1.py::test_0'], 0)),
  );
  take(reported(a2, 1, 1, finished('test_1.py::test_0', 'passed', { seconds: 1000 })), ended(a2, 1));
  for (const [index, each] of slow.entries()) {
    const shard = index + 2;
    const announced = collected(`test_${shard}.py`, idsOf(shard, each), 0, { mayBackUp: each.mayBackUp });
    take(enqueued(shard), started(a1, shard), reported(a1, shard, 1, announced));
    for (let at = 0; at < Math.min(each.reported, each.tests.length - 1); at += 1) take(reported(a1, shard, 1, resultOf(shard, each, at)));
  }
  take(tick(60_000));
  return state;
}

const backupsOf = (state: RunState) => [...state.attempts.values()].filter(({ role }) => role === 'backup');

test('backups change no outcome, in whatever order the two copies report', () => {
  const turns = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(slowShards, turns, (slow, order) => {
      const state = untilLate(slow, true);
      decideAll(state);
      const backups = backupsOf(state);
      expect(backups).toHaveLength(slow.filter(({ mayBackUp }) => mayBackUp).length);
      const tellings = slow.map((each, index) => {
        const shard = index + 2;
        const fence = backups.find((attempt) => attempt.shard === `s${shard}`)?.fence ?? null;
        const rest = (agent: typeof a1, by: number): CoordinatorEvent[] => [
          ...each.tests.map((_, at) => reported(agent, shard, by, resultOf(shard, each, at))),
          ended(agent, shard, by),
        ];
        return { primary: rest(a1, 1), backup: fence === null ? [] : [started(a2, shard, fence), ...rest(a2, fence)] };
      });
      for (const isPrimary of order) {
        for (const { primary, backup } of tellings) {
          const event = (isPrimary ? primary : backup).shift();
          if (event !== undefined) reduce(state, event);
        }
        decideAll(state);
      }
      for (const event of tellings.flatMap(({ primary, backup }) => [...primary, ...backup])) reduce(state, event);
      decideAll(state);

      const without = untilLate(slow, false);
      decideAll(without);
      for (const [index, each] of slow.entries()) {
        for (const [at] of each.tests.entries()) reduce(without, reported(a1, index + 2, 1, resultOf(index + 2, each, at)));
      }
      decideAll(without);
      const outcomesIn = (of: RunState) => reportOf(of).tests.map(({ nodeid, outcome }) => [nodeid, outcome]);
      expect(outcomesIn(state)).toEqual(outcomesIn(without));
      expect(reportOf(state).exitCode).toBe(reportOf(without).exitCode);
    }),
  );
});

test('a backup includes no test with an outcome and avoids the agent of the first copy', () => {
  fc.assert(
    fc.property(slowShards, (slow) => {
      const state = untilLate(slow, true);
      for (const [index, each] of slow.entries()) {
        const request = nextAttempt(state, shardOf(index + 2, []).id, 'backup');
        const left = idsOf(index + 2, each).slice(Math.min(each.reported, each.tests.length - 1));
        const asked = request?.selectors.flatMap((selector): readonly string[] => (selector.kind === 'tests' ? selector.nodeids : left));
        expect(asked).toEqual(left);
        expect(request?.avoid).toEqual([agentId('a1')]);
      }
    }),
  );
});
