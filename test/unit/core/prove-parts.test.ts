// Whether the reports of parts prove that they are one whole suite.

import { describe, expect, test } from 'vitest';
import { mergeReports } from '../../../coordinator/core/result/merge-reports.ts';
import { proveParts } from '../../../coordinator/core/result/prove-parts.ts';
import { runId, testFile } from '../../../shared/domain/ids.ts';
import type { ReportedPart } from '../../../shared/domain/part.ts';
import type { Report, ReportedFingerprint } from '../../../shared/domain/report.ts';
import { sampleReport, sampleTest } from '../report/sample-report.ts';

const files = ['test_a.py', 'test_b.py', 'test_c.py'].map(testFile);
const fingerprint: ReportedFingerprint = {
  files: { place: 'here', git: { commit: 'c'.repeat(40), directory: '', changedFiles: 0, changes: '' }, contents: null },
  python: { python: 'cpython 3.12', platform: 'linux-x86_64', plugins: { pytest: '9.0' }, packagesDigest: 'd' },
};

/** The report of part `index` of 3, which has one file and one test. */
function partReport(index: number, changes: Partial<ReportedPart> = {}, more: Partial<Report> = {}): Report {
  const own = files.slice(index - 1, index);
  const part: ReportedPart = {
    index,
    total: 3,
    attempt: 1,
    digest: 'same',
    pytestArgs: ['tests'],
    collect: 'auto',
    files,
    own,
    acceptsNoTests: false,
    ...changes,
  };
  const tests = part.own.map((file) => sampleTest(`${file}::test_it`, 'passed'));
  return { ...sampleReport(tests, more), runId: runId(`r${index}`), fingerprint, part, ...more };
}
const whole = (): [Report, ...Report[]] => [partReport(1), partReport(2), partReport(3)];
const problemsOf = (...reports: readonly Report[]) => proveParts(reports).problems;

describe('parts', () => {
  test('that are whole pass', () => {
    expect(problemsOf(...whole())).toEqual([]);
    expect(mergeReports(whole())).toMatchObject({ verdict: 'passed', exitCode: 0, part: null, totals: { expected: 3, passed: 3 } });
  });

  test('of which one is missing do not', () => {
    expect(problemsOf(partReport(1), partReport(3))).toEqual(['part 2 of 3 is missing', 'test_b.py is in no part']);
    expect(mergeReports([partReport(1), partReport(3)])).toMatchObject({ verdict: 'incomplete', exitCode: 11 });
  });

  test('of which one is there twice do not', () => {
    expect(problemsOf(...whole(), partReport(2, {}, { runId: runId('again') }))).toEqual(['part 2 of 3 is there 2 times: runs r2, again']);
  });

  test('that were divided differently pass only if every file is in exactly one', () => {
    const other = { own: [testFile('test_c.py')] };
    expect(problemsOf(partReport(1), partReport(2, other), partReport(3))).toEqual([
      'test_b.py is in no part',
      'test_c.py is in more than one part',
    ]);
    expect(problemsOf(partReport(1), partReport(2, other), partReport(3, { own: [testFile('test_b.py')] }))).toEqual([]);
  });

  test.each([
    ['number of parts', { total: 4 }, 'part 2 of 4 differs: it is one of 4 parts'],
    ['arguments', { pytestArgs: ['tests', '-k', 'x'] }, 'part 2 of 3 differs: other arguments (tests -k x; part 1 of 3 has tests)'],
    ['--collect', { collect: 'suite' }, 'part 2 of 3 differs: another --collect (suite; part 1 of 3 has auto)'],
    ['files', { files: files.slice(0, 2) }, 'part 2 of 3 differs: it has no test_c.py (part 1 of 3 has)'],
  ] as const)('with another %s do not', (_, changes, problem) => {
    expect(problemsOf(partReport(1), partReport(2, { ...changes, digest: 'other' }), partReport(3))).toContain(problem);
  });

  test('of another commit or Python do not, even in the same directory', () => {
    const commit = { files: { ...fingerprint.files, git: { ...fingerprint.files?.git, commit: 'd'.repeat(40) } } };
    const python = { python: { ...fingerprint.python, python: 'cpython 3.11' } };
    const with2 = (changes: object) => partReport(2, {}, { fingerprint: { ...fingerprint, ...changes } as ReportedFingerprint });
    expect(problemsOf(partReport(1), with2(commit), partReport(3))).toEqual([
      'part 2 of 3 differs: another commit (dddddddddddd; part 1 of 3 has cccccccccccc)',
    ]);
    expect(problemsOf(partReport(1), with2(python), partReport(3))).toEqual([
      'part 2 of 3 differs: another Python (cpython 3.11; part 1 of 3 has cpython 3.12)',
    ]);
  });

  test('beside a run that is no part do not', () => {
    expect(problemsOf(...whole(), sampleReport([]))).toEqual(['run 20260102-030405-abcd is not a part: it was started without --shard']);
  });
});

test('the last attempt of a part counts, and a test that failed before is flaky', () => {
  const failing = partReport(2, {}, { tests: [sampleTest('test_b.py::test_it', 'failed')], verdict: 'failed', exitCode: 1 });
  const retried = partReport(2, { attempt: 2 });
  const merged = mergeReports([partReport(1), failing, partReport(3), retried]);
  expect(merged).toMatchObject({ verdict: 'passed', exitCode: 0, totals: { passed: 3, failed: 0, flaky: 1 } });
  expect(merged.tests.find(({ flaky }) => flaky)?.attempts.map(({ outcome }) => outcome)).toEqual(['failed', 'passed']);
});

test('parts without a test pass together only if others have tests, or if the suite accepts having none', () => {
  const none = { own: [], acceptsNoTests: false };
  const empty = { tests: [], verdict: 'no-tests', exitCode: 0 } as const;
  const nothing = (index: number, accepts = false) => partReport(index, { ...none, files: [], acceptsNoTests: accepts }, empty);
  expect(mergeReports([nothing(1), nothing(2), nothing(3)])).toMatchObject({ verdict: 'no-tests', exitCode: 5 });
  expect(mergeReports([nothing(1, true), nothing(2, true), nothing(3, true)])).toMatchObject({ exitCode: 0 });
});

test('tests with the same id in one part stay separate', () => {
  const twice = [sampleTest('test_b.py::test_it', 'passed'), sampleTest('test_b.py::test_it', 'failed')];
  const merged = mergeReports([partReport(1), partReport(2, {}, { tests: twice }), partReport(3)]);
  expect(merged.totals).toMatchObject({ expected: 4, passed: 3, failed: 1 });
});
