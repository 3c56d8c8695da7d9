// Which CI jobs share a run, what a retry of it runs, and how a job ends that fails only for its own tests.

import { expect, test } from 'vitest';
import { groupOf, ownExitCode, tooOldMs, toRunAgain, verdictOf } from '../../../coordinator/ci/group.ts';
import { agentId, nodeId, runId, testFile } from '../../../shared/domain/ids.ts';
import type { Report } from '../../../shared/domain/report.ts';
import { decodeVerdict, encodeVerdict, type GroupVerdict, MOST_AGAIN } from '../../../shared/wire/group.ts';
import { NO_VERIFIER } from '../../../shared/wire/signature.ts';
import { sampleReport } from '../report/sample-report.ts';

const ended = (exitCode: number, line: string, files: string | null) => ({ exitCode, line, files, endedAt: 1000, reportDigest: null });

const identity = { names: ['GitLab 1 tests'], isNamedByUser: false, python: 'cpython 3.12', pytestArgs: ['tests'], settings: ['auto'] };

test('jobs with another Python, other arguments or another name have a run of their own', () => {
  const own = groupOf('abc', identity);
  expect(own).toMatch(/^[0-9a-f]{16}$/);
  // A provider's id of a pipeline belongs to one commit; a retry may even have other files.
  expect(groupOf('def', { ...identity })).toBe(own);
  const others = [
    { ...identity, names: ['GitLab 2 tests'] },
    { ...identity, python: 'cpython 3.13' },
    { ...identity, pytestArgs: ['tests', '-x'] },
    { ...identity, settings: ['suite'] },
  ];
  expect(new Set([own, ...others.map((each) => groupOf('abc', each))]).size).toBe(5);
});

test('a name that only the user gives stands for one state of the files', () => {
  const named = { ...identity, names: ['main'], isNamedByUser: true };
  expect(groupOf('abc', named)).toBe(groupOf('abc', { ...named }));
  expect(groupOf('abc', named)).not.toBe(groupOf('def', named));
});

test('a stored verdict counts for any job of a pipeline, and for an hour in git under a name that only the user gives', () => {
  const named = { ...identity, isNamedByUser: true };
  expect(tooOldMs(identity, true, false)).toBe(null);
  expect(tooOldMs(identity, false, true)).toBe(null);
  expect(tooOldMs(named, true, false)).toBe(3_600_000);
  expect(tooOldMs(named, true, true)).toBe(0);
  expect(tooOldMs(named, false, false)).toBe(0);
});

const attempt = { agent: agentId('job1') } as Report['tests'][0]['attempts'][0];
const failed = (name: string) =>
  ({
    nodeid: nodeId(`test_a.py::${name}`),
    file: testFile('test_a.py'),
    outcome: 'failed',
    flaky: false,
    seconds: 1,
    line: 1,
    attempts: [attempt],
  }) as const;
const red = sampleReport([failed('test_x'), failed('test_y')], { notRun: [] });

const againAfter = (report: Report, exitCode = report.exitCode) => verdictOf(report, ended(exitCode, 'failed', 'abc')).again;

test('a retry runs the tests that failed or did not run, if nothing else made the run red', () => {
  const notRun = [{ nodeid: testFile('test_b.py'), kind: 'file', tests: null, reason: 'maxfail', predictedSeconds: 1 }] as const;
  const failedOnes = ['test_a.py::test_x', 'test_a.py::test_y'];
  expect(againAfter(red)).toEqual({ failed: failedOnes, notRun: [] });
  expect(againAfter({ ...red, notRun })).toEqual({ failed: failedOnes, notRun: ['test_b.py'] });
  const otherwise: readonly Report[] = [
    { ...red, tests: [] },
    { ...red, exitCode: 11 },
    { ...red, exitCode: 2 },
    { ...red, exitCode: 0 },
    { ...red, collectErrors: [{ file: testFile('test_c.py'), nodeid: nodeId('test_c.py'), message: 'no' }] },
    { ...red, sessionErrors: [{ agent: agentId('job1'), message: 'no' }] as unknown as Report['sessionErrors'] },
    { ...red, coverage: { percent: 90, failUnder: null, isMet: null, missing: [], problems: [], warnings: [] } },
    { ...red, targets: [{ target: 'time<1s', measure: 'time', value: 2, met: false }] as unknown as Report['targets'] },
    { ...red, tests: Array.from({ length: MOST_AGAIN + 1 }, (_, index) => failed(`test_${index}`)) },
  ];
  for (const report of otherwise) expect(againAfter(report)).toBe(null);
  // A report that could not be written makes another exit code than the tests do.
  expect(againAfter(red, 4)).toBe(null);
});

test('a retry of other files, a fresh one, and one whose verdict is lost run the whole suite', () => {
  const before = verdictOf(red, ended(1, 'failed', 'abc'));
  expect(toRunAgain({ before, isFresh: false }, 'abc')).toEqual(before.again);
  expect(toRunAgain({ before, isFresh: true }, 'abc')).toBe(null);
  expect(toRunAgain({ before, isFresh: false }, 'def')).toBe(null);
  expect(toRunAgain({ before: { ...before, files: null }, isFresh: false }, null)).toBe(null);
  expect(toRunAgain({ before: null, isFresh: false }, 'abc')).toBe(null);
});

test('a job that fails only for its own tests still fails for everything else', () => {
  const verdict = verdictOf(red, ended(1, 'failed', null));
  expect(verdict.failedOn).toEqual(['job1']);
  expect(ownExitCode(verdict, agentId('job1'))).toBe(1);
  expect(ownExitCode(verdict, agentId('job2'))).toBe(0);
  const notRun = [{ nodeid: testFile('test_b.py'), kind: 'file', tests: null, reason: 'no-agent', predictedSeconds: 1 }] as const;
  const otherwise: readonly (readonly [Report, number])[] = [
    [{ ...red, exitCode: 11 }, 11],
    [{ ...red, exitCode: 2 }, 2],
    [{ ...red, notRun }, 1],
    [{ ...red, collectErrors: [{ file: testFile('test_c.py'), nodeid: nodeId('test_c.py'), message: 'no' }] }, 1],
    [{ ...red, tests: [] }, 1],
  ];
  for (const [report, exitCode] of otherwise) {
    expect(ownExitCode(verdictOf(report, ended(report.exitCode, 'failed', null)), agentId('job2'))).toBe(exitCode);
  }
});

test('a job whose machine was replaced still fails for its own tests, and every failed test fails some job', () => {
  const by = (agent: string, ended: 'left' | 'lost'): Report => {
    const own = { agent: agentId(agent) } as Report['tests'][0]['attempts'][0];
    const agents = [{ id: agentId(agent), ended }] as unknown as Report['agents'];
    return sampleReport([{ ...failed('test_x'), attempts: [own] }], { notRun: [], agents });
  };
  const own = (report: Report, agent: string): number => ownExitCode(verdictOf(report, ended(1, 'failed', null)), agentId(agent));
  expect(own(by('job2-aaaa', 'lost'), 'job2-bbbb')).toBe(1);
  expect(own(by('job2-aaaa', 'lost'), 'job21-bbbb')).toBe(0);
  // Jobs without numbers: another one may have taken the place of the one that is gone.
  expect(own(by('job-aaaa', 'left'), 'job-bbbb')).toBe(0);
  expect(own(by('job-aaaa', 'lost'), 'job-bbbb')).toBe(1);
});

test('a verdict from Redis is checked', () => {
  const verdict = verdictOf(red, ended(1, 'failed: 2 failed', 'abc'));
  const address = { pool: 'p', run: runId('r') };
  const origin = { ...address, generation: 1, epoch: 1 };
  const reader = { ...address, verifier: NO_VERIFIER };
  expect(decodeVerdict(encodeVerdict(verdict, origin), reader, 'here')).toEqual(verdict);
  const spoiled = [{ exitCode: -1 }, { exitCode: 'x' }, { again: { failed: ['../../etc/passwd'], notRun: [] } }, { run: 'A B' }];
  for (const change of spoiled) {
    const text = encodeVerdict({ ...verdict, ...change } as GroupVerdict, origin);
    expect(() => decodeVerdict(text, reader, 'here')).toThrow('here');
  }
});
