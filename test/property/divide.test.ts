// Parts of a suite, divided by runs that do not know of each other.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divide, unitsOfPart } from '../../coordinator/core/plan/divide.ts';
import type { EstimatedUnit } from '../../coordinator/core/plan/plan.ts';
import { type TestFile, testFile } from '../../shared/domain/ids.ts';
import type { SuitePart } from '../../shared/domain/part.ts';

const suites = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 30 }).chain((names) =>
  fc.record({
    names: fc.constant(names),
    seconds: fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: names.length, maxLength: names.length }),
    total: fc.integer({ min: 1, max: 8 }),
  }),
);

const unit = (file: string, seconds: number): EstimatedUnit => ({ selectors: [{ kind: 'file', file: testFile(file) }], seconds });

const unitsOf = ({ names, seconds }: { readonly names: readonly string[]; readonly seconds: readonly number[] }): EstimatedUnit[] =>
  names.map((name, index) => unit(name, seconds[index] ?? 0));

const partsOf = (units: readonly EstimatedUnit[], total: number): readonly SuitePart[] => {
  const files = units.flatMap(({ selectors }) => selectors.map(({ file }) => file));
  const shared = { total, attempt: 1, digest: '', pytestArgs: [], addopts: '', collect: 'auto', files } as const;
  return divide(units, total).map((own, place) => ({ ...shared, index: place + 1, own }));
};

test('every file is in exactly one part', () => {
  fc.assert(
    fc.property(suites, (suite) => {
      const units = unitsOf(suite);
      const own = partsOf(units, suite.total).flatMap((part) => unitsOfPart(units, part));
      expect(own).toHaveLength(units.length);
      expect(new Set(own)).toEqual(new Set(units));
    }),
  );
});

test('the order in which files were found does not matter', () => {
  fc.assert(
    fc.property(suites, (suite) => {
      const units = unitsOf(suite);
      const inSets = (parts: readonly (readonly TestFile[])[]) => parts.map((files) => new Set(files));
      expect(inSets(divide(units.toReversed(), suite.total))).toEqual(inSets(divide(units, suite.total)));
    }),
  );
});

test('no part is longer than the longest file and an even share', () => {
  fc.assert(
    fc.property(suites, (suite) => {
      const units = unitsOf(suite);
      const known = new Map(units.map(({ selectors, seconds }) => [selectors[0]?.file, Math.max(0.001, seconds)]));
      const all = [...known.values()];
      const limit = all.reduce((sum, each) => sum + each, 0) / suite.total + Math.max(0, ...all);
      for (const { own } of partsOf(units, suite.total)) {
        expect(own.reduce((sum, file) => sum + (known.get(file) ?? 0), 0)).toBeLessThanOrEqual(limit + 1e-9);
      }
    }),
  );
});

test('files that a collection binds together are in one part, and what belongs to no known file is in the first', () => {
  const units = ['a', 'b', 'c', 'd'].map((name) => unit(name, 1));
  const bound: readonly EstimatedUnit[] = [
    { selectors: ['d', 'b'].map((name) => ({ kind: 'file', file: testFile(name) })), seconds: 2 },
    unit('a', 1),
    unit('c', 1),
    unit('unknown', 1),
  ];
  const held = partsOf(units, 3).map((part) => unitsOfPart(bound, part));
  expect(held.flat()).toHaveLength(bound.length);
  expect(new Set(held.flat())).toEqual(new Set(bound));
  expect(held[0]).toContain(bound[3]);
});
