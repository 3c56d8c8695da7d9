// Which files are split, and how evenly. test/property/plan.test.ts checks that splitting neither loses nor repeats a test.

import { expect, test } from 'vitest';
import { type Affinity, affinityOf, NO_AFFINITY } from '../../../coordinator/core/plan/affinity.ts';
import { pull } from '../../../coordinator/core/plan/list-schedule.ts';
import type { EstimatedUnit } from '../../../coordinator/core/plan/plan.ts';
import { splitUnits } from '../../../coordinator/core/plan/split.ts';
import { nodeId, type TestFile, testFile } from '../../../shared/domain/ids.ts';
import type { FileTiming } from '../../../shared/domain/suite/timings.ts';

type History = readonly [TestFile, FileTiming];

const history = (file: string, seconds: readonly number[], overhead: Partial<FileTiming> = {}): History => {
  const timing = {
    collectSeconds: 0.1,
    fixtureSeconds: 0,
    tests: new Map(seconds.map((each, index) => [nodeId(`${file}::test_${index}`), each])),
    lastRuns: new Map(),
    ...overhead,
  };
  const testSeconds = [...timing.tests.values()].reduce((sum, each) => sum + each, 0);
  return [testFile(file), { seconds: testSeconds + timing.collectSeconds + timing.fixtureSeconds, ...timing }];
};
const times = (count: number, seconds: number): readonly number[] => Array.from({ length: count }, () => seconds);
const files = (count: number, seconds: number): readonly History[] =>
  Array.from({ length: count }, (_, index) => history(`f${index}.py`, times(10, seconds / 10)));

interface Options {
  readonly threshold?: number | null;
  readonly affinity?: Affinity;
  readonly known?: readonly History[];
}

function split(all: readonly History[], slots: number, { threshold = null, affinity = NO_AFFINITY, known = all }: Options = {}) {
  const units = all.map(([file, { seconds }]): EstimatedUnit => ({ selectors: [{ kind: 'file', file }], seconds }));
  return splitUnits(units, { timings: new Map(known), affinity, slots, thresholdSeconds: threshold });
}
const partsOf = (units: readonly EstimatedUnit[], file: string): readonly EstimatedUnit[] =>
  units.filter(({ selectors }) => selectors.some((selector) => selector.kind === 'part' && selector.file === file));
const makespan = (units: readonly EstimatedUnit[], slots: number): number =>
  pull(
    units.map(({ seconds }) => seconds).sort((left, right) => right - left),
    slots,
  ).makespanSeconds;

test.each([
  ['one file of 40 % of the work', [history('long.py', times(80, 0.5)), ...files(30, 2)], 4, 27],
  ['one file more than there are workers', files(5, 10), 4, 13.5],
  ['two files that are as long as each other', [history('a.py', times(100, 1)), history('b.py', times(100, 1)), ...files(10, 1)], 8, 28.5],
])('%s ends with the others', (_, all, slots, seconds) => {
  expect(makespan(split(all, slots), slots)).toBeLessThan(seconds);
});

test('splits hundreds of long files in one plan, and hardly more than it needs', () => {
  const slots = 600;
  const units = split(files(900, 10), slots);
  const splitFiles = new Set(
    units.filter((unit) => unit.selectors.some(({ kind }) => kind === 'part')).map(({ selectors }) => selectors[0]?.file),
  );
  expect(splitFiles.size).toBeGreaterThan(100);
  expect(makespan(units, slots)).toBeLessThanOrEqual(1.1 * 15);
});

test('makes fewer parts when fixtures are slow, and none when they outweigh the tests', () => {
  const withFixtures = (fixtureSeconds: number): readonly EstimatedUnit[] =>
    partsOf(split([history('long.py', times(40, 1), { fixtureSeconds }), ...files(6, 1)], 4), 'long.py');
  expect(withFixtures(0).length).toBeGreaterThan(withFixtures(5).length);
  expect(withFixtures(5).length).toBeGreaterThan(1);
  expect(withFixtures(30)).toEqual([]);
  for (const part of withFixtures(5)) expect(part.seconds).toBeGreaterThanOrEqual(10);
});

test('keeps a file whole when splitting gains nothing, without history, with one dominant test, or on one slot', () => {
  const long = history('long.py', [5, 5]);
  expect(partsOf(split([long, ...files(20, 3)], 2), 'long.py')).toEqual([]);
  expect(partsOf(split([long], 4, { known: [] }), 'long.py')).toEqual([]);
  expect(partsOf(split([history('long.py', [9, 0.1])], 4), 'long.py')).toEqual([]);
  expect(partsOf(split([long], 1), 'long.py')).toEqual([]);
});

test('a threshold splits files that the plan alone would keep whole', () => {
  const long = history('long.py', [5, 5]);
  expect(partsOf(split([long, ...files(20, 3)], 2, { threshold: 6 }), 'long.py')).toHaveLength(2);
});

test('never splits files under --dist loadfile or files that are bound together', () => {
  const all = [history('long.py', times(80, 0.5)), ...files(30, 2)];
  for (const affinity of [affinityOf('loadfile', []), affinityOf('load', [[testFile('long.py')]])]) {
    expect(partsOf(split(all, 4, { affinity, threshold: 1 }), 'long.py')).toEqual([]);
  }
});

test('--dist loadscope splits a file between its classes and its functions, never within them', () => {
  const ids = ['test_f', 'test_g', 'TestA::test_1', 'TestA::test_2', 'TestB::test_1', 'TestB::Inner::test_x[a::b]'];
  const tests = new Map(ids.map((id) => [nodeId(`long.py::${id}`), 5]));
  const units = split([history('long.py', [], { tests }), ...files(6, 1)], 4, { affinity: affinityOf('loadscope', []) });
  const selectors = partsOf(units, 'long.py').flatMap(({ selectors: [selector] }) => selector ?? []);
  expect(selectors).toHaveLength(3);
  expect(selectors).toContainEqual({ kind: 'part', file: 'long.py', only: null, except: ['long.py::TestA', 'long.py::TestB'] });
  expect(selectors).toContainEqual({ kind: 'part', file: 'long.py', only: ['long.py::TestB'], except: [] });
});
