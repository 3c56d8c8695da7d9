import { expect, test } from 'vitest';
import type { DiscoveredFile } from '../../../coordinator/core/plan/discovered-file.ts';
import { estimateFiles } from '../../../coordinator/core/plan/estimate.ts';
import { nodeId, type TestFile, testFile } from '../../../shared/domain/ids.ts';
import type { FileTiming } from '../../../shared/domain/suite/timings.ts';

const whole = (name: string): DiscoveredFile => ({ file: testFile(name), nodeids: null });
const timing = (seconds: number, tests: Readonly<Record<string, number>> = {}): FileTiming => ({
  seconds,
  collectSeconds: 0.5,
  fixtureSeconds: 0,
  tests: new Map(Object.entries(tests).map(([id, testSeconds]) => [nodeId(id), testSeconds])),
  lastRuns: new Map(),
});
const timings = (known: Readonly<Record<string, FileTiming>>): Map<TestFile, FileTiming> =>
  new Map(Object.entries(known).map(([file, each]) => [testFile(file), each]));
const estimates = (files: readonly DiscoveredFile[], known: Readonly<Record<string, FileTiming>>) =>
  Object.fromEntries(estimateFiles(files, timings(known)));

test('a file without history gets the median of the discovered files that have one', () => {
  const known = { a: timing(1), b: timing(3), c: timing(50), other: timing(1000) };
  expect(estimates([whole('a'), whole('b'), whole('c'), whole('new')], known)).toEqual({ a: 1, b: 3, c: 50, new: 3 });
});

test('falls back to the median of all history when no discovered file has any, and to one second without history', () => {
  expect(estimates([whole('new')], { a: timing(2), b: timing(4) })).toEqual({ new: 3 });
  expect(estimates([whole('new')], {})).toEqual({ new: 1 });
});

test('sums named tests with their parameters and classes, each once', () => {
  const known = { f: timing(100, { 'f::C::m': 1, 'f::C::n': 2, 'f::p[1]': 4, 'f::p[2]': 8, 'f::pq': 100 }) };
  const named = { file: testFile('f'), nodeids: ['f::C', 'f::C::m', 'f::p'].map(nodeId) };
  expect(estimates([named], known)).toEqual({ f: 15.5 });
});

test("a named test without history counts as its file's median test", () => {
  const known = { f: timing(100, { 'f::a': 1, 'f::b': 3, 'f::c': 9 }) };
  expect(estimates([{ file: testFile('f'), nodeids: [nodeId('f::new')] }], known)).toEqual({ f: 3.5 });
});
