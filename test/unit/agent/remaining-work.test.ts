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

test('everything is left before anything is collected', () => {
  const work = createRemainingWork(both);
  expect(work.missing()).toEqual([a, b]);
  expect(work.selectors()).toEqual(both);
});

test('a collected file leaves its tests, in the order of the selectors', () => {
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

test('a second result, collection or failure is refused', () => {
  const work = createRemainingWork(both);
  work.collect(a, [one], []);
  work.settle(one);
  work.fail(b);
  expect(work.settle(one)).toBe(false);
  expect(work.collect(a, [one, two], [])).toBe(false);
  expect(work.fail(b)).toBe(false);
  expect(work.missing()).toEqual([]);
});

test('a test that has its result before its file is collected is not left', () => {
  const work = createRemainingWork([{ kind: 'file', file: a }]);
  work.settle(one);
  work.collect(a, [one, two], []);
  expect(work.missing()).toEqual([two]);
});

test('a postponed serial test is not left', () => {
  const work = createRemainingWork([{ kind: 'file', file: a }]);
  work.collect(a, [one, two], [two]);
  expect(work.missing()).toEqual([one]);
});

test.each(['tests', '.'])('a directory that fails to collect (%s) leaves nothing of the files below it', (directory) => {
  const work = createRemainingWork(both);
  work.fail(testFile(directory));
  expect(work.missing()).toEqual([]);
  expect(work.selectors()).toEqual([]);
});

test('a directory that fails leaves a file whose name only begins like it', () => {
  const file = testFile('tests_more/test_c.py');
  const work = createRemainingWork([{ kind: 'file', file }]);
  work.fail(testFile('tests'));
  expect(work.missing()).toEqual([file]);
});

test('a test belongs to the file with which it was collected, whatever its node id begins with', () => {
  const work = createRemainingWork([{ kind: 'file', file: a }]);
  const borrowed = nodeId('other/base.py::borrowed');
  expect(work.fileFor(borrowed)).toBe('other/base.py');
  work.collect(a, [borrowed], []);
  expect(work.fileFor(borrowed)).toBe(a);
  expect(work.selectors()).toEqual([{ kind: 'tests', file: a, nodeids: [borrowed] }]);
});

test('a file that two selectors name is left once when it is collected', () => {
  const part: Selector = { kind: 'part', file: a, only: [one], except: [] };
  const rest: Selector = { kind: 'part', file: a, only: null, except: [one] };
  const work = createRemainingWork([part, rest]);
  work.collect(a, [one, two], []);
  expect(work.selectors()).toEqual([{ kind: 'tests', file: a, nodeids: [one, two] }]);
});
