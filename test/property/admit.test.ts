// Which shards may start under a deadline, for any shards, slots and time.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from '../../coordinator/core/decide/decide.ts';
import { deadlineTimes } from '../../coordinator/core/state/deadline.ts';
import { orders } from '../../shared/domain/shard.ts';
import { a1, joined, opened, shardOf, stateAfter, tick } from '../unit/core/run-kit.ts';

const cases = fc.record({
  seconds: fc.array(fc.double({ min: 0.01, max: 50, noNaN: true }), { minLength: 1, maxLength: 20 }),
  workers: fc.integer({ min: 1, max: 4 }),
  deadline: fc.integer({ min: 5, max: 60 }),
  order: fc.constantFrom(null, ...orders),
  now: fc.integer({ min: 1000, max: 40_000 }),
});

test('admits only shards that can finish before the drain, or fills the free slots when none can', () => {
  fc.assert(
    fc.property(cases, ({ seconds, workers, deadline, order, now }) => {
      const shards = seconds.map((each, index) => shardOf(index + 1, [`test_${index}.py`], each));
      const opening = opened(shards, { deadline: { seconds: deadline, reserveSeconds: 1 }, order });
      const drainAt = deadlineTimes(opening)?.drainAt ?? 0;
      const started = decide(stateAfter(opening, joined(a1, 1000, workers), tick(now))).flatMap((action) =>
        action.kind === 'start-attempt' ? [shards.find(({ id }) => id === action.shard)?.predictedSeconds ?? 0] : [],
      );
      const fits = (each: number): boolean => now + each * 1000 <= drainAt;
      if (now >= drainAt) expect(started).toEqual([]);
      else if (seconds.some(fits)) expect(started.every(fits) && started.length > 0).toBe(true);
      else expect(started).toHaveLength(Math.min(workers, seconds.length));
    }),
  );
});
