import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PlanInput, planShards } from '../../coordinator/core/plan.ts';
import { testFile } from '../../shared/ids.ts';
import { engines } from '../../shared/run-spec.ts';

const inputs: fc.Arbitrary<PlanInput> = fc.record({
  files: fc
    .array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1000, noNaN: true })), { maxLength: 60 })
    .map((all) => all.map((seconds, index) => ({ selector: { kind: 'file' as const, file: testFile(`test_${index}.py`) }, seconds }))),
  agents: fc.nat({ max: 8 }),
  slotsPerAgent: fc.nat({ max: 8 }),
  engine: fc.constantFrom(...engines),
  fixedSeconds: fc.double({ min: 0, max: 10, noNaN: true }),
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

test('every selector is in exactly one shard, and no shard is empty', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { shards } = planShards(input);
      const planned = shards.flatMap((shard) => shard.selectors);
      expect(planned.length).toBe(input.files.length);
      expect(new Set(planned)).toEqual(new Set(input.files.map((file) => file.selector)));
      for (const shard of shards) expect(shard.selectors.length).toBeGreaterThan(0);
      expect(shards.map((shard) => shard.id)).toEqual(shards.map((_, index) => `s${index + 1}`));
    }),
  );
});

test('shards come longest first', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const seconds = planShards(input).shards.map((shard) => shard.predictedSeconds);
      expect(seconds).toEqual(seconds.toSorted((left, right) => right - left));
    }),
  );
});

test('the predicted makespan is at least an even share of the work, and at most all of it one after another', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { shards, predictedMakespanSeconds } = planShards(input);
      const workSeconds = sum(shards.map((shard) => shard.predictedSeconds));
      const workers = Math.max(1, input.agents) * Math.max(1, input.slotsPerAgent);
      expect(predictedMakespanSeconds).toBeGreaterThanOrEqual((workSeconds / workers) * (1 - 1e-9));
      expect(predictedMakespanSeconds).toBeLessThanOrEqual((workSeconds + shards.length * input.fixedSeconds) * (1 + 1e-9));
    }),
  );
});

test('the same input gives the same plan', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      expect(planShards(input)).toEqual(planShards(structuredClone(input)));
    }),
  );
});
