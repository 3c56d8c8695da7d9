import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Affinity, affinityOf, scopeOf, unite } from '../../coordinator/core/plan/affinity.ts';
import { pull } from '../../coordinator/core/plan/list-schedule.ts';
import { type EstimatedUnit, type PlanInput, planShards } from '../../coordinator/core/plan/plan.ts';
import { type Splitting, splitUnits } from '../../coordinator/core/plan/split.ts';
import { type NodeId, nodeId, type TestFile, testFile } from '../../shared/domain/ids.ts';
import type { Selector, Shard } from '../../shared/domain/shard.ts';
import type { FileTiming } from '../../shared/domain/suite/timings.ts';
import { sum } from '../../shared/numbers.ts';

const someSeconds = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1000, noNaN: true }));

const inputs: fc.Arbitrary<PlanInput> = fc.record({
  units: fc
    .array(someSeconds, { maxLength: 60 })
    .map((all) => all.map((seconds, index) => ({ selectors: [{ kind: 'file' as const, file: testFile(`test_${index}.py`) }], seconds }))),
  slots: fc.nat({ max: 64 }),
  fixedSeconds: fc.double({ min: 0, max: 10, noNaN: true }),
});

test('every selector is in exactly one shard, and no shard is empty', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { shards } = planShards(input);
      const planned = shards.flatMap((shard) => shard.selectors);
      expect(planned.length).toBe(input.units.length);
      expect(new Set(planned)).toEqual(new Set(input.units.flatMap((unit) => unit.selectors)));
      for (const shard of shards) expect(shard.selectors.length).toBeGreaterThan(0);
      expect(shards.map((shard) => shard.id)).toEqual(shards.map((_, index) => `s${index + 1}`));
    }),
  );
});

test('orders shards longest first', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const seconds = planShards(input).shards.map((shard) => shard.predictedSeconds);
      expect(seconds).toEqual(seconds.toSorted((left, right) => right - left));
    }),
  );
});

test('the predicted makespan is at least an even share of the work and at most all of it in sequence', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { shards, predictedMakespanSeconds } = planShards(input);
      const workSeconds = sum(shards.map((shard) => shard.predictedSeconds));
      const workers = Math.max(1, input.slots);
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

// A whole suite: files with history, some of them bound together, some split.

interface KnownSuite {
  readonly timings: ReadonlyMap<TestFile, FileTiming>;
  readonly affinity: Affinity;
  readonly splitting: Pick<Splitting, 'slots' | 'thresholdSeconds'>;
  readonly shards: readonly Shard[];
}

const names = ['test_a', 'test_b', 'test_p[1]', 'test_p[x::y]', 'TestA::test_1', 'TestA::test_2', 'TestB::test_1', 'TestB::Inner::test_1'];

const fileTimings: fc.Arbitrary<Omit<FileTiming, 'tests'> & { readonly tests: readonly (readonly [string, number])[] }> = fc.record({
  seconds: someSeconds,
  collectSeconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2, noNaN: true })),
  fixtureSeconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2, noNaN: true })),
  tests: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), someSeconds), { selector: ([name]) => name }),
  lastRuns: fc.constant(new Map()),
});

const suites: fc.Arbitrary<KnownSuite> = fc
  .record({
    files: fc.array(fileTimings, { minLength: 1, maxLength: 20 }),
    dist: fc.constantFrom('load', 'loadfile', 'loadscope', 'loadgroup', 'worksteal', 'no'),
    bonds: fc.array(fc.array(fc.nat({ max: 19 }), { maxLength: 4 }), { maxLength: 3 }),
    slots: fc.nat({ max: 8 }),
    thresholdSeconds: fc.option(fc.double({ min: 0.001, max: 100, noNaN: true })),
    fixedSeconds: fc.double({ min: 0, max: 10, noNaN: true }),
  })
  .map(({ files, dist, bonds, slots, thresholdSeconds, fixedSeconds }) => {
    const timings = new Map(
      files.map(({ tests, ...rest }, index) => {
        const file = testFile(`f${index}.py`);
        return [file, { ...rest, tests: new Map(tests.map(([name, seconds]) => [nodeId(`${file}::${name}`), seconds])) }] as const;
      }),
    );
    const affinity = affinityOf(
      dist,
      bonds.map((bond) => bond.map((index) => testFile(`f${index}.py`))),
    );
    const units = [...timings].map(([file, { seconds }]): EstimatedUnit => ({ selectors: [{ kind: 'file', file }], seconds }));
    const splitting = { slots, thresholdSeconds };
    const divided = splitUnits(unite(units, affinity), { timings, affinity, ...splitting });
    const { shards } = planShards({ units: divided, slots, fixedSeconds });
    return { timings, affinity, splitting, shards };
  });

/** Would this selector run the test? As in the plugin, a name selects a test or all tests of a class. */
function takes(selector: Selector, id: NodeId): boolean {
  const isNamed = (selected: readonly NodeId[]): boolean => selected.some((name) => id === name || id.startsWith(`${name}::`));
  if (!id.startsWith(`${selector.file}::`)) return false;
  if (selector.kind === 'part') return !isNamed(selector.except) && (selector.only === null || isNamed(selector.only));
  return selector.kind === 'file';
}

const takersOf = ({ shards }: KnownSuite, id: NodeId): readonly Shard[] =>
  shards.flatMap((shard) => shard.selectors.filter((selector) => takes(selector, id)).map(() => shard));

test('exactly one selector of the plan selects each test of each file, known or new', () => {
  fc.assert(
    fc.property(suites, (suite) => {
      for (const [file, { tests }] of suite.timings) {
        const added = ['test_new', 'TestA::test_new', 'TestNew::test_1'].map((name) => nodeId(`${file}::${name}`));
        for (const id of [...tests.keys(), ...added]) expect(takersOf(suite, id), id).toHaveLength(1);
      }
    }),
  );
});

test('keeps bound files, loadfile files, and loadscope scopes with their new tests in one shard each', () => {
  fc.assert(
    fc.property(suites, (suite) => {
      const { affinity, timings, shards } = suite;
      for (const set of affinity.together) {
        const planned = set.filter((file) => timings.has(file));
        const holders = shards.filter((shard) => shard.selectors.some(({ file }) => planned.includes(file)));
        expect(holders.length).toBe(planned.length === 0 ? 0 : 1);
      }
      const isFile = ({ kind }: Selector): boolean => kind === 'file';
      if (affinity.unit === 'file') expect(shards.flatMap(({ selectors }) => selectors).every(isFile)).toBe(true);
      if (affinity.unit !== 'scope') return;
      for (const [file, { tests }] of timings) {
        const ids = [...tests.keys(), nodeId(`${file}::test_new`), nodeId(`${file}::TestA::test_new`)];
        for (const ofScope of Map.groupBy(ids, scopeOf).values()) {
          expect(new Set(ofScope.map((id) => takersOf(suite, id)[0]?.id)).size).toBe(1);
        }
      }
    }),
  );
});

test('no shard holds two parts of one file', () => {
  fc.assert(
    fc.property(suites, ({ shards }) => {
      for (const { selectors } of shards) expect(new Set(selectors.map(({ file }) => file)).size).toBe(selectors.length);
    }),
  );
});

test('a list schedule gives each piece to the machine that is free first, and to the lowest number on a tie', () => {
  const naive = (durations: readonly number[], machines: number): readonly number[] => {
    const freeAt = Array.from({ length: Math.min(machines, durations.length) }, () => 0);
    return durations.map((duration) => {
      const first = freeAt.indexOf(Math.min(...freeAt));
      freeAt[first] = (freeAt[first] ?? 0) + duration;
      return first;
    });
  };
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (durations, machines) => {
      expect(pull(durations, machines).machines).toEqual(naive(durations, machines));
    }),
  );
});
