// Whether the reports of parts prove that they are one whole suite.

import { describe, expect, test } from 'vitest';
import { mergeReports } from '../../../coordinator/core/result/parts/merge-reports.ts';
import { proveParts } from '../../../coordinator/core/result/parts/prove-parts.ts';
import { runId, testFile } from '../../../shared/domain/ids.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import type { ReportedPart } from '../../../shared/domain/part.ts';
import type { NotRun, Report, ReportedFingerprint } from '../../../shared/domain/report.ts';
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
    addopts: '',
    collect: 'auto',
    files,
    own,
    acceptsNoTests: false,
    flakyFails: false,
    fingerprintPolicy: 'strict',
    list: null,
    ...changes,
  };
  const tests = part.own.map((file) => sampleTest(`${file}::test_it`, 'passed'));
  return { ...sampleReport(tests, more), runId: runId(`r${index}`), fingerprint, part, ...more };
}
const missing = (reason: NotRunReason, file = 'test_b.py'): NotRun => ({
  nodeid: testFile(file),
  kind: 'file',
  tests: 1,
  reason,
  predictedSeconds: 1,
});
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
    expect(problemsOf(...whole(), partReport(2, {}, { runId: runId('again') }))).toEqual(['found part 2 of 3 twice: runs r2 and again']);
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
    ['PYTEST_ADDOPTS', { addopts: '-k x' }, 'part 2 of 3 differs: another PYTEST_ADDOPTS (-k x; part 1 of 3 has it unset)'],
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

  test('of which one did not end do not, even if it names no test that did not run', () => {
    const ended = (exitCode: number, more: Partial<Report> = {}) =>
      [partReport(1), partReport(2, {}, { exitCode, ...more }), partReport(3)] as const;
    expect(mergeReports(ended(2))).toMatchObject({
      exitCode: 11,
      verdict: 'incomplete',
      partProblems: ['part 2 of 3 stopped early (killed, interrupted, or --sw)'],
    });
    expect(mergeReports(ended(2, { notRun: [missing('cancelled')] }))).toMatchObject({ exitCode: 11, totals: { notRun: 1 } });
    expect(mergeReports(ended(11))).toMatchObject({ exitCode: 11, partProblems: ['part 2 of 3 is incomplete (exit 11)'] });
    expect(mergeReports(ended(11, { notRun: [missing('no-agent')] }))).toMatchObject({ exitCode: 11, partProblems: [] });
    expect(mergeReports(ended(3))).toMatchObject({
      exitCode: 3,
      verdict: 'internal-error',
      partProblems: ['part 2 of 3 ended with an error of shardline (exit 3)'],
    });
  });

  test('of which one could not be read do not, because it may be the last attempt of a part', () => {
    const torn = ['could not read out/2: it has no report.json and no events.ndjson'];
    expect(mergeReports(whole(), { unreadable: torn })).toMatchObject({ exitCode: 11, partProblems: torn });
    const again = partReport(2, { attempt: 2 });
    expect(mergeReports([partReport(1), again, partReport(3)], { unreadable: torn })).toMatchObject({ exitCode: 11, partProblems: torn });
    expect(mergeReports([partReport(1), partReport(2), again, partReport(3)], { unreadable: torn })).toMatchObject({ exitCode: 11 });
    expect(proveParts([partReport(1), again], torn).problems).toContain(torn[0]);
  });

  test('that collected different lists do not', () => {
    const collected = (tests: number, digest: string) => ({ list: { tests, digest } });
    expect(problemsOf(partReport(1, collected(8, 'aa')), partReport(2), partReport(3, collected(4, 'bb')))).toEqual([
      'part 3 of 3 differs: it collected other tests (4 tests, digest bb; part 1 of 3 has 8 tests, digest aa)',
    ]);
    expect(problemsOf(partReport(1, collected(8, 'aa')), partReport(2), partReport(3, collected(8, 'aa')))).toEqual([]);
  });

  test('whose files or Python could not be compared do not, unless the user accepted this for all', () => {
    const noGit = { ...fingerprint, files: { place: 'here', git: null, contents: null } };
    const with2 = (print: ReportedFingerprint | null) => [partReport(1), partReport(2, {}, { fingerprint: print }), partReport(3)];
    const files = 'could not compare the files of part 2 of 3 with part 1 of 3; --fingerprint warn in all parts accepts this';
    expect(problemsOf(...with2(noGit))).toEqual([files]);
    expect(problemsOf(...with2({ ...fingerprint, files: null }))).toEqual([files]);
    expect(problemsOf(...with2({ ...fingerprint, python: null }))).toEqual([files.replace('files', 'Python')]);
    expect(problemsOf(...with2(null))).toEqual([files, files.replace('files', 'Python')]);
    const unknown = (policy: 'strict' | 'warn' | 'off', other = policy) =>
      problemsOf(
        ...[policy, other, policy].map((fingerprintPolicy, place) => partReport(place + 1, { fingerprintPolicy }, { fingerprint: null })),
      );
    expect(unknown('strict')).toHaveLength(4);
    expect(unknown('warn', 'strict')).toHaveLength(2);
    expect(unknown('warn')).toEqual([]);
    expect(unknown('off')).toEqual([]);
  });

  test('are compared with the first part that knows its suite', () => {
    const late = partReport(
      1,
      { digest: '', files: [], own: [testFile('.')] },
      { tests: [], notRun: [missing('deadline', '.')], exitCode: 10 },
    );
    expect(mergeReports([late, partReport(2), partReport(3)])).toMatchObject({ exitCode: 10, partProblems: [] });
    expect(problemsOf(late, partReport(2), partReport(3, { files: files.slice(0, 2) }))).toEqual([
      'part 3 of 3 differs: it has no test_c.py (part 2 of 3 has)',
    ]);
    expect(problemsOf(late, partReport(2, { total: 4 }), partReport(3, { total: 4 }))).toEqual([
      'part 4 of 4 is missing',
      'part 1 of 3 differs: it is one of 3 parts',
    ]);
    const before = partReport(1, { total: 2, own: files });
    expect(problemsOf(before, ...[1, 2, 3].map((index) => partReport(index, { attempt: 2 })))).toEqual([]);
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

test('a test that is flaky only because its part ran again fails the merge with --flaky-fails', () => {
  const failing = partReport(
    2,
    { flakyFails: true },
    { tests: [sampleTest('test_b.py::test_it', 'failed')], verdict: 'failed', exitCode: 1 },
  );
  const retried = partReport(2, { attempt: 2, flakyFails: true });
  expect(mergeReports([partReport(1), failing, partReport(3), retried])).toMatchObject({ exitCode: 1, totals: { failed: 0, flaky: 1 } });
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
