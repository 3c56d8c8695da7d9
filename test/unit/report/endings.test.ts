// Every form of the report names failures, tests not run and unfit agents, with counts that agree.

import { describe, expect, test } from 'vitest';
import { NO_PLACES } from '../../../coordinator/report-places.ts';
import { junitXml } from '../../../coordinator/reporters/files/junit.ts';
import { summaryMarkdown } from '../../../coordinator/reporters/files/summary-md.ts';
import { pageData } from '../../../coordinator/web/report-page.ts';
import { agentId, nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { Report, ReportedAgent } from '../../../shared/domain/report.ts';
import { decodeReport, encodeReport } from '../../../shared/wire/report/report.ts';
import { renderReport, sampleReport, sampleTest } from './sample-report.ts';

const plain = { color: false, width: 80, paths: [], verbosity: 'normal' } as const;
const linesOf = (report: Report, options = {}): readonly string[] =>
  renderReport(report, { ...plain, ...options })
    .trimEnd()
    .split('\n');
const agent = (id: string, changes: Partial<ReportedAgent>): ReportedAgent => ({
  id: agentId(id),
  host: `${id}-box`,
  workers: 2,
  tests: 0,
  busySeconds: 0,
  idleSeconds: 0,
  peakRssBytes: 0,
  cpuSeconds: null,
  ended: 'left',
  why: null,
  fingerprint: null,
  differences: [],
  ...changes,
});

describe('tests that were not run', () => {
  const notRun: Report['notRun'] = [
    { nodeid: testFile('t/known.py'), kind: 'file', tests: 149, reason: 'deadline', predictedSeconds: 10 },
    { nodeid: testFile('t/new.py'), kind: 'file', tests: null, reason: 'deadline', predictedSeconds: 1 },
  ];
  const base = sampleReport([sampleTest('t/a.py::test_1', 'passed')]);
  const report: Report = {
    ...base,
    verdict: 'deadline',
    exitCode: 10,
    notRun,
    totals: { ...base.totals, expected: 151, notRun: 150, notRunIsLeast: true },
    profile: { ...base.profile, breakdown: {} as never },
    deadline: { seconds: 60, reserveSeconds: 1, met: false, overshootSeconds: 0 },
  };
  const rated: Report = { ...base, profile: { ...base.profile, breakdown: Object.fromEntries([]) as never } };

  test('are counted, as a minimum if a file has an unknown number of tests', () => {
    const lines = linesOf(report, { verbosity: 'quiet' });
    expect(lines).toContain('NOT RUN t/known.py (149 tests) - deadline reached');
    expect(lines).toContain('NOT RUN t/new.py (at least 1 test) - deadline reached');
    expect(lines.at(-1)).toBe('deadline missed: 1 passed, at least 150 not run in 12.3 s; exit 10');
    const markdown = summaryMarkdown({ ...report, profile: base.profile }, NO_PLACES);
    expect(markdown).toContain('| at least 150 |');
    expect(markdown).toContain('- at least 150 not run (deadline reached): `t/known.py` (149 tests), `t/new.py`');
    expect(junitXml(report)).toContain('not run: deadline, 149 tests; predicted to take ');
  });

  test('remove the rating of the run', () => {
    expect(rated.totals.notRun).toBe(0);
    expect(JSON.stringify(pageData(report, NO_PLACES).totals)).toContain('"notRunIsLeast":true');
    for (const text of [
      summaryMarkdown({ ...report, profile: base.profile }, NO_PLACES),
      renderReport({ ...report, profile: base.profile }, plain),
    ])
      expect(text).not.toContain('excellent');
  });

  test('keep the counts of a report from an earlier version', () => {
    const { notRunIsLeast: _, ...totals } = report.totals;
    const earlier = JSON.stringify({
      ...JSON.parse([...encodeReport({ ...report, profile: base.profile })].join('')),
      totals,
      notRun: notRun.map(({ tests: __, ...rest }) => rest),
    });
    expect(decodeReport(earlier, 'x')).toMatchObject({
      totals: { notRun: 150, notRunIsLeast: false },
      notRun: [{ tests: null }, { tests: null }],
    });
  });
});

describe('agents', () => {
  const report = sampleReport([sampleTest('t.py::test_1', 'passed')], {
    agents: [
      agent('a1', {}),
      agent('a2', { ended: 'lost', why: 'it stopped answering 5.0 s into the run' }),
      agent('a3', { ended: 'quarantined', why: "its last 10 tests failed while other agents' tests passed" }),
      agent('a4', { ended: 'not-started', why: "pytest ended with exit code 1: ModuleNotFoundError: No module named 'x'\u001b[2J" }),
      agent('a5', {
        ended: 'refused',
        why: "its workspace differs from the run's: pytest 8.4.0 (the run has 9.0.0)",
        differences: ['pytest 8.4.0 (the run has 9.0.0)', 'no numpy (the run has 2.1.0)'],
      }),
    ],
  });

  test.each(['normal', 'quiet'] as const)('that ended badly appear in the last lines with verbosity %s', (verbosity) => {
    const lines = linesOf(report, { verbosity });
    expect(lines).toContain('LOST agent a2 on a2-box - it stopped answering 5.0 s into the run');
    expect(lines).toContain("QUARANTINED agent a3 on a3-box - its last 10 tests failed while other agents' tests passed");
    expect(lines).toContain("NOT STARTED agent a4 on a4-box - pytest ended with exit code 1: ModuleNotFoundError: No module named 'x'");
    expect(lines).toContain("REFUSED agent a5 on a5-box - its workspace differs from the run's: pytest 8.4.0 (the run has 9.0.0)");
    expect(lines.filter((line) => /^[A-Z ]+ agent a1/.test(line))).toEqual([]);
    expect(lines.at(-1)).toContain('; 5 agents (1 lost, 1 quarantined, 1 not started, 1 refused); exit 0');
  });

  test('that ended badly appear in the summary and on the page', () => {
    expect(summaryMarkdown(report, NO_PLACES)).toContain('- agent `a2` on `a2-box` lost: `it stopped answering 5.0 s into the run`');
    expect(pageData(report, NO_PLACES).agents.map(({ why }) => why)).toEqual([
      null,
      'it stopped answering 5.0 s into the run',
      "its last 10 tests failed while other agents' tests passed",
      "pytest ended with exit code 1: ModuleNotFoundError: No module named 'x'",
      "its workspace differs from the run's: pytest 8.4.0 (the run has 9.0.0)",
    ]);
  });
});

test('reports a session that failed at its end as a session error, not as an error of a file', () => {
  const report = sampleReport([sampleTest('t.py::test_1', 'passed')], {
    verdict: 'failed',
    exitCode: 1,
    sessionErrors: [{ agent: agentId('a1'), message: "pytest's session ended with exit code 7" }],
  });
  const lines = linesOf(report);
  expect(lines[0]).toMatch(/^_+ ERROR at the end of pytest on a1 _+$/);
  expect(lines).toContain("ERROR at the end of pytest on a1 - pytest's session ended with exit code 7");
  expect(lines.at(-1)).toBe('failed: 1 session error, 1 passed in 12.3 s; exit 1');
  expect(junitXml(report)).toContain('<testcase classname="" name="pytest session of a1" time="0.000">');
  expect(summaryMarkdown(report, NO_PLACES)).toContain('pytest failed at the end of its session on `a1`:');
});

test('reports a teardown that failed after the result of its test as an error of that test', () => {
  const late = {
    file: testFile('t.py'),
    nodeid: nodeId('t.py::TestX::test_2'),
    message: 'in a teardown after t.py::TestX::test_2:\nE   assert 0',
  };
  const report = sampleReport([sampleTest('t.py::TestX::test_2', 'passed')], { verdict: 'failed', exitCode: 1, collectErrors: [late] });
  const lines = linesOf(report);
  expect(lines).toContainEqual(expect.stringMatching(/^_+ ERROR at teardown of t\.py::TestX::test_2 _+$/));
  expect(lines).toContain('ERROR t.py::TestX::test_2 - assert 0');
  expect(lines.at(-1)).toContain('failed: 1 error, 1 passed in ');
  expect(junitXml(report)).toMatch(/<testcase classname="t\.TestX" name="test_2" time="0\.000">\s*<error message="failed on teardown"/);
  expect(summaryMarkdown(report, NO_PLACES)).toContain('Error at teardown of `t.py::TestX::test_2`:');
});

test('counts have the right plural', () => {
  const tests = ['1', '2'].map((name) => sampleTest(`t.py::test_${name}`, 'error', 'E   no'));
  const collectErrors = ['a', 'b', 'c'].map((name) => ({ file: testFile(`${name}.py`), nodeid: nodeId(`${name}.py`), message: 'E   no' }));
  expect(linesOf(sampleReport(tests, { collectErrors })).at(-1)).toContain('failed: 2 errors, 3 collection errors in ');
});

test('a very long id takes one line, and messages are cut to the width of the terminal', () => {
  const id = `t.py::test[${'x'.repeat(4000)}]`;
  const report = sampleReport([sampleTest(id, 'failed', 'E   no'), sampleTest('t.py::test_a', 'failed', `E   ${'word '.repeat(100)}`)]);
  for (const line of linesOf(report, { width: 80 }).filter((each) => each.includes('xxx'))) expect(line.length).toBeLessThan(300);
  const line = linesOf(report, { width: 80 }).find((each) => each.startsWith('FAILED t.py::test_a'));
  expect(line).toHaveLength(80);
  expect(line).toMatch(/^FAILED t\.py::test_a - word word .*\.\.\.$/);
  expect(linesOf(report, { width: 24 })).toContain('FAILED t.py::test_a');
});
