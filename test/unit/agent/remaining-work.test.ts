import { expect, test } from 'vitest';
import { createRemainingWork } from '../../../agent/core/remaining-work.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Selector } from '../../../shared/domain/shard.ts';

const [a, b] = [testFile('tests/test_a.py'), testFile('tests/test_b.py')];
const [one, two] = [nodeId(`${a}::one`), nodeId(`${a}::two`)];
const both: readonly Selector[] = [
  { kind: 'file', file: a },
  { kind: 'file', file: b },
];

test('every selector is left to run before anything is collected', () => {
  const work = createRemainingWork(both);
  expect(work.missing()).toEqual([a, b]);
  expect(work.selectors()).toEqual(both);
});

test('the unfinished tests of a collected file are left to run, in the order of the selectors', () => {
  const work = createRemainingWork(both);
  const late = nodeId(`${b}::late`);
  expect(work.collect(b, [late], [])).toBe(true);
  expect(work.collect(a, [one, two], [])).toBe(true);
  expect(work.settle(one)).toBe(true);
  expect(work.missing()).toEqual([late, two]);
  expect(work.selectors()).toEqual([
    { kind: 'tests', file: a, nodeids: [two] },
    { kind: 'tests', file: b, nodeids: [late] },
  ]);
});

test('refuses a second result of a test, and a second collection or failure of a file', () => {
  const work = createRemainingWork(both);
  work.collect(a, [one], []);
  work.settle(one);
  work.fail(b);
  expect(work.settle(one)).toBe(false);
  expect(work.collect(a, [one, two], [])).toBe(false);
  expect(work.fail(b)).toBe(false);
  expect(work.missing()).toEqual([]);
});

test('a test whose result arrives before its file is collected is not left to run', () => {
  const work = createRemainingWork([{ kind: 'file', file: a }]);
  work.settle(one);
  work.collect(a, [one, two], []);
  expect(work.missing()).toEqual([two]);
});

test('a postponed serial test is not left to run', () => {
  const work = createRemainingWork([{ kind: 'file', file: a }]);
  work.collect(a, [one, two], [two]);
  expect(work.missing()).toEqual([one]);
});

test.each(['tests', '.'])('no file below a directory that fails to collect (%s) is left to run', (directory) => {
  const work = createRemainingWork(both);
  work.fail(testFile(directory));
  expect(work.missing()).toEqual([]);
  expect(work.selectors()).toEqual([]);
});

test('a failed directory does not affect a file whose path only begins with the same letters', () => {
  const file = testFile('tests_more/test_c.py');
  const work = createRemainingWork([{ kind: 'file', file }]);
  work.fail(testFile('tests'));
  expect(work.missing()).toEqual([file]);
});

test('a test belongs to the file that collected it, whatever its node id begins with', () => {
  const work = createRemainingWork([{ kind: 'file', file: a }]);
  const borrowed = nodeId('other/base.py::borrowed');
  expect(work.fileFor(borrowed)).toBe('other/base.py');
  work.collect(a, [borrowed], []);
  expect(work.fileFor(borrowed)).toBe(a);
  expect(work.selectors()).toEqual([{ kind: 'tests', file: a, nodeids: [borrowed] }]);
});

test('a collected file that two selectors name is left to run once', () => {
  const part: Selector = { kind: 'part', file: a, only: [one], except: [] };
  const rest: Selector = { kind: 'part', file: a, only: null, except: [one] };
  const work = createRemainingWork([part, rest]);
  work.collect(a, [one, two], []);
  expect(work.selectors()).toEqual([{ kind: 'tests', file: a, nodeids: [one, two] }]);
});
