// Compares a run with an earlier one.

import { expect, test } from 'vitest';
import { type Baseline, compareRuns, type PastTest } from '../../../coordinator/core/result/compare.ts';
import { nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { Report, ReportedTest } from '../../../shared/domain/report.ts';
import { sampleReport, sampleTest } from '../report/sample-report.ts';

const past = (tests: Readonly<Record<string, PastTest>>): Baseline => ({
  name: 'old',
  tests: new Map(Object.entries(tests)),
  keyOf: (id) => id,
});
const was = (outcome: Outcome, seconds: number | null = 0.25): PastTest => ({ outcome, seconds });
const compare = (tests: readonly ReportedTest[], before: Readonly<Record<string, PastTest>>, changes: Partial<Report> = {}) =>
  compareRuns(sampleReport(tests, changes), past(before));

test('lists each test by its earlier and its current outcome', () => {
  const tests = [
    sampleTest('t.py::broke', 'failed'),
    sampleTest('t.py::new_and_broken', 'error'),
    sampleTest('t.py::still', 'error'),
    sampleTest('t.py::mended', 'passed'),
    sampleTest('t.py::now_skipped', 'skipped'),
    sampleTest('t.py::same', 'passed'),
    sampleTest('t.py::new', 'passed'),
  ];
  const before = {
    't.py::broke': was('passed'),
    't.py::still': was('failed'),
    't.py::mended': was('error'),
    't.py::now_skipped': was('failed'),
    't.py::same': was('passed'),
    't.py::gone': was('passed'),
  };
  expect(compare(tests, before)).toEqual({
    baseline: 'old',
    newFailures: ['t.py::broke', 't.py::new_and_broken'],
    fixed: ['t.py::mended', 't.py::now_skipped'],
    stillFailing: ['t.py::still'],
    newlySlow: [],
    added: ['t.py::new_and_broken', 't.py::new'],
    vanished: ['t.py::gone'],
  });
});

test('a test that was not run or could not be collected does not count as vanished', () => {
  const notRun = [
    { nodeid: nodeId('a.py::test_1'), kind: 'test', tests: 1, reason: 'deadline', predictedSeconds: 1 },
    { nodeid: testFile('b.py'), kind: 'file', tests: null, reason: 'deadline', predictedSeconds: 1 },
  ] as const;
  const collectErrors = [{ file: testFile('c.py'), nodeid: nodeId('c.py'), message: 'no' }];
  const before = {
    'a.py::test_1': was('passed'),
    'b.py::test_2': was('passed'),
    'c.py::test_3': was('passed'),
    'd.py::test_4': was('passed'),
  };
  expect(compare([], before, { notRun, collectErrors }).vanished).toEqual(['d.py::test_4']);
});

const timed = (seconds: readonly number[]): ReportedTest[] =>
  seconds.map((each, index) => ({ ...sampleTest(`t.py::test_${index}`, 'passed'), seconds: each }));
const before = (seconds: readonly number[]): Record<string, PastTest> =>
  Object.fromEntries(seconds.map((each, index) => [`t.py::test_${index}`, was('passed', each)]));

test('a test is newly slow when it takes twice as long and 0.2 s more', () => {
  const slow = compare(timed([1, 1, 1, 1, 1, 2.5]), before([1, 1, 1, 1, 1, 1])).newlySlow;
  expect(slow).toEqual([{ nodeid: 't.py::test_5', beforeSeconds: 1, seconds: 2.5 }]);
  expect(compare(timed([0.02, 0.15]), before([0.001, 0.01])).newlySlow).toEqual([]);
  expect(compare(timed([1.9]), before([1])).newlySlow).toEqual([]);
});

test('a machine that is slower overall makes no test newly slow', () => {
  expect(compare(timed([3, 3.1, 2.9, 3, 3, 3]), before([1, 1, 1, 1, 1, 1])).newlySlow).toEqual([]);
});

test('reports only an outlier as newly slow when all durations vary', () => {
  const noisy = [1, 2.6, 0.4, 2.2, 0.5, 1.3, 0.7, 2.8];
  expect(compare(timed(noisy), before(noisy.map(() => 1))).newlySlow).toEqual([]);
  const slow = compare(timed([...noisy, 60]), before([...noisy.map(() => 1), 1])).newlySlow;
  expect(slow.map(({ nodeid }) => nodeid)).toEqual(['t.py::test_8']);
});
