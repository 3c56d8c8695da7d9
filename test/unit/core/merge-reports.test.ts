// Merges several finished runs into one report.

import { expect, test } from 'vitest';
import { mergeReports } from '../../../coordinator/core/result/parts/merge-reports.ts';
import { agentId, nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { NotRun } from '../../../shared/domain/report.ts';
import { sampleReport, sampleTest } from '../report/sample-report.ts';

const ran = (id: string, outcome: Outcome, notRun: readonly NotRun[] = []) =>
  sampleReport([sampleTest(id, outcome, outcome === 'failed' ? 'E   no' : null)], { notRun });
const missing = (id: string): NotRun =>
  id.includes('::')
    ? { nodeid: nodeId(id), kind: 'test', tests: 1, reason: 'deadline', predictedSeconds: 1 }
    : { nodeid: testFile(id), kind: 'file', tests: null, reason: 'deadline', predictedSeconds: 1 };

test('adds up the parts of a suite and keeps their agents and shards apart', () => {
  const merged = mergeReports([ran('b.py::test_1', 'passed'), ran('a.py::test_2', 'skipped')]);
  expect(merged).toMatchObject({ verdict: 'passed', exitCode: 0, totals: { expected: 2, passed: 1, skipped: 1 } });
  expect(merged.tests.map(({ nodeid, attempts }) => [nodeid, attempts[0]?.agent])).toEqual([
    ['a.py::test_2', 'a1.2'],
    ['b.py::test_1', 'a1.1'],
  ]);
  expect(merged.agents.map(({ id }) => id)).toEqual(['a1.1', 'a1.2']);
  expect(merged.shards.map(({ id, agent }) => [id, agent])).toEqual([
    ['s1', 'a1.1'],
    ['s2', 'a1.2'],
  ]);
});

test('is incomplete if messages of an agent are missing in one of them, and names it', () => {
  const doubtful = { ...ran('a.py::test_2', 'passed'), exitCode: 11, missingMessages: [{ agent: agentId('a1'), messages: 2 }] };
  const merged = mergeReports([ran('b.py::test_1', 'passed'), { ...doubtful, verdict: 'incomplete' }]);
  expect(merged).toMatchObject({ verdict: 'incomplete', exitCode: 11, missingMessages: [{ agent: 'a1.2', messages: 2 }] });
});

test.each([
  [0, 0, 0],
  [0, 5, 5],
])('exits with 0 without any test only if every run does', (one, other, exitCode) => {
  const empty = (code: number) => sampleReport([], { verdict: 'no-tests', exitCode: code });
  expect(mergeReports([empty(one), empty(other)])).toMatchObject({ verdict: 'no-tests', exitCode });
});

test.each([
  ['passed', 'failed', 'failed', 1],
  ['failed', 'error', 'error', 1],
  ['skipped', 'passed', 'passed', 0],
  ['xfailed', 'skipped', 'xfailed', 0],
] as const)('a test that %s in one and %s in the other is %s', (one, other, outcome, exitCode) => {
  for (const pair of [
    [one, other],
    [other, one],
  ] as const) {
    const merged = mergeReports([ran('t.py::test', pair[0]), ran('t.py::test', pair[1])]);
    expect(merged).toMatchObject({ exitCode, totals: { expected: 1 } });
    expect(merged.tests).toMatchObject([{ outcome, flaky: false }]);
    // Reports show the last attempt of a test.
    expect(merged.tests[0]?.attempts.map((attempt) => attempt.outcome).at(-1)).toBe(outcome);
    expect(merged.tests[0]?.attempts).toHaveLength(2);
  }
});

test('a test counts as run when one of the runs ran it, and as not run when none did', () => {
  const cut = ran('t.py::test_1', 'passed', [missing('t.py::test_2'), missing('u.py'), missing('v.py')]);
  expect(mergeReports([cut, ran('t.py::test_2', 'passed')])).toMatchObject({ verdict: 'deadline', exitCode: 10, totals: { notRun: 2 } });
  const rest = sampleReport(['t.py::test_2', 'u.py::test_3', 'v.py::test_4'].map((id) => sampleTest(id, 'passed')));
  expect(mergeReports([cut, rest])).toMatchObject({ verdict: 'passed', exitCode: 0, totals: { expected: 4, passed: 4, notRun: 0 } });
});

test('lists a file as not run when both runs left out a part of it', () => {
  const one = ran('t.py::test_1', 'passed', [missing('u.py')]);
  const other = ran('u.py::test_1', 'passed', [missing('u.py::test_2')]);
  expect(mergeReports([one, other]).notRun.map(({ nodeid }) => nodeid)).toEqual(['u.py', 'u.py::test_2']);
});

test('keeps a missed target and an internal error', () => {
  const missed = {
    ...ran('a.py::test', 'passed'),
    exitCode: 1,
    targets: [{ target: 'time<1s', measure: 'time', value: 2, met: false } as const],
  };
  expect(mergeReports([missed, ran('b.py::test', 'passed')])).toMatchObject({ verdict: 'failed', exitCode: 1 });
  const broken = { ...ran('a.py::test', 'passed'), exitCode: 3 };
  expect(mergeReports([ran('b.py::test', 'failed'), broken])).toMatchObject({ verdict: 'internal-error', exitCode: 3 });
});

test('keeps that a run was interrupted, or was incomplete, unless another run completed it', () => {
  const ended = (exitCode: number, notRun: readonly NotRun[] = []) => ({ ...ran('a.py::test', 'passed', notRun), exitCode });
  const other = ran('b.py::test', 'passed');
  expect(mergeReports([ended(2), other])).toMatchObject({ verdict: 'interrupted', exitCode: 2 });
  expect(mergeReports([other, ended(11)])).toMatchObject({ verdict: 'incomplete', exitCode: 11 });
  for (const exitCode of [2, 11]) expect(mergeReports([ended(exitCode, [missing('b.py')]), other])).toMatchObject({ exitCode: 0 });
});
