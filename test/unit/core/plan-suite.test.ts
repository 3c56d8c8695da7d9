import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_AFFINITY } from '../../../coordinator/core/plan/affinity.ts';
import { planSuite, type SuitePlanning } from '../../../coordinator/core/plan/plan-suite.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Shard } from '../../../shared/domain/shard.ts';
import { type ListOrder, listOrders, type SuiteList } from '../../../shared/domain/suite/suite-list.ts';
import type { FileTiming } from '../../../shared/domain/suite/timings.ts';

const timing = (seconds: number): FileTiming => ({ seconds, collectSeconds: 0, fixtureSeconds: 0, tests: new Map(), lastRuns: new Map() });

const planning = (files: ReadonlyMap<string, number>, slots = 2): SuitePlanning => ({
  timings: new Map([...files].map(([file, seconds]) => [testFile(file), timing(seconds)])),
  affinity: NO_AFFINITY,
  slots,
  fixedSeconds: 0.005,
  part: null,
  thresholdSeconds: null,
});

const listOf = (files: readonly string[], order: ListOrder, tail: number | null = null): SuiteList => {
  const counts = new Map<string, number>();
  return {
    hash: 'a'.repeat(64),
    order,
    why: null,
    tail,
    bound: [],
    others: [],
    failed: [],
    proof: null,
    groups: files.map((file) => {
      const index = counts.get(file) ?? 0;
      counts.set(file, index + 1);
      return { file: testFile(file), nodeids: [nodeId(`${file}::test_${index}`)] };
    }),
  };
};

/** Every test that the shards select; a whole file selects all of its tests. */
function testsOf(shards: readonly Shard[], list: SuiteList): readonly string[] {
  return shards.flatMap(({ selectors }) =>
    selectors.flatMap((selector): readonly string[] => {
      if (selector.kind === 'tests') return selector.nodeids;
      return list.groups.filter(({ file }) => file === selector.file).flatMap(({ nodeids }) => nodeids);
    }),
  );
}

describe('a plan of a whole list', () => {
  test('holds every test in exactly one shard, for any order, estimates and place of a test without a file', () => {
    const lists = fc.record({
      files: fc.array(fc.constantFrom('a.py', 'b.py', 'c.py', 'd.py'), { minLength: 1, maxLength: 30 }),
      order: fc.constantFrom(...listOrders),
      seconds: fc.array(fc.constantFrom(0, 0.1, 0.2, 0.3, 7), { minLength: 4, maxLength: 4 }),
      tail: fc.option(fc.nat({ max: 29 })),
      slots: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(lists, ({ files, order, seconds, tail, slots }) => {
        const list = listOf(files, order, tail === null ? null : Math.min(tail, files.length - 1));
        const known = new Map(['a.py', 'b.py', 'c.py', 'd.py'].map((file, index) => [file, seconds[index] ?? 0]));
        const shards = planSuite(list, planning(known, slots));
        expect([...testsOf(shards, list)].sort()).toEqual(list.groups.flatMap(({ nodeids }) => nodeids).sort());
        expect(shards.map(({ id }) => id)).toEqual(shards.map((_, index) => `s${index + 1}`));
      }),
    );
  });

  test('is one shard when the order of the list decides outcomes, even when some files take no time', () => {
    const list = listOf(['a.py', 'b.py', 'c.py', 'd.py'], 'strict');
    const known = new Map([
      ['a.py', 0.1],
      ['b.py', 0.2],
      ['c.py', 0],
      ['d.py', 0],
    ]);
    expect(planSuite(list, planning(known))).toHaveLength(1);
  });

  test('runs a test without a file, and all tests behind it, after everything else', () => {
    const list = listOf(['a.py', 'b.py', '.', 'c.py'], 'free', 2);
    const shards = planSuite(list, planning(new Map()));
    const last = shards.filter(({ runsLast }) => runsLast === true);
    expect(last).toHaveLength(1);
    expect(testsOf(last, list)).toEqual(['.::test_0', 'c.py::test_0']);
  });

  test('keeps a file whole when its tests depend on each other', () => {
    const tests = Array.from({ length: 20 }, () => 'a.py');
    const list = { ...listOf(tests, 'free'), bound: [testFile('a.py')] };
    const file = { ...timing(100), tests: new Map(list.groups.flatMap(({ nodeids }) => nodeids.map((id) => [id, 5] as const))) };
    const shards = planSuite(list, { ...planning(new Map(), 4), timings: new Map([[testFile('a.py'), file]]) });
    expect(shards.map(({ selectors }) => selectors)).toEqual([[{ kind: 'file', file: 'a.py' }]]);
  });
});

test('names the tests of each part of a split file, even when one name is a prefix of another', () => {
  const file = testFile('a.py');
  const nodeids = ['test_x', 'test_x[long]', 'test_y', 'test_new'].map((name) => nodeId(`${file}::${name}`));
  const known = new Map(nodeids.slice(0, 3).map((id) => [id, 4] as const));
  const list: SuiteList = { ...listOf([], 'free'), groups: [{ file, nodeids }] };
  const shards = planSuite(list, {
    ...planning(new Map()),
    timings: new Map([[file, { seconds: 12, collectSeconds: 0, fixtureSeconds: 0, tests: known, lastRuns: new Map() }]]),
  });
  expect(shards.length).toBeGreaterThan(1);
  expect(shards.flatMap(({ selectors }) => selectors.map(({ kind }) => kind))).not.toContain('part');
  expect([...testsOf(shards, list)].sort()).toEqual([...nodeids].sort());
});
