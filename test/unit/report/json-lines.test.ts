// The end of a run as JSON lines.

import { expect, test } from 'vitest';
import { NO_PLACES, placesIn } from '../../../coordinator/report-places.ts';
import { summaryMarkdown } from '../../../coordinator/reporters/files/summary-md.ts';
import { reportLines } from '../../../coordinator/reporters/summary/json-lines.ts';
import { agentId, nodeId, testFile } from '../../../shared/domain/ids.ts';
import type { ReportedAttempt, ReportedTest } from '../../../shared/domain/report.ts';
import { renderReport, sampleReport } from './sample-report.ts';

const attempt = (outcome: 'passed' | 'failed', message: string | null): ReportedAttempt => ({
  agent: agentId('a1'),
  worker: 'gw0',
  startedAt: '2026-01-02T03:04:05.000Z',
  seconds: 1,
  outcome,
  message,
  brief: message,
  sections: [],
});
const reported = (nodeid: string, changes: Partial<ReportedTest>): ReportedTest => ({
  nodeid: nodeId(nodeid),
  file: testFile('tests/test_a.py'),
  outcome: 'passed',
  flaky: false,
  seconds: 1,
  line: 12,
  attempts: [attempt('passed', null)],
  ...changes,
});

const red = reported("tests/test_a.py::test_b[it's]", { outcome: 'failed', attempts: [attempt('failed', 'assert 1 == 2')] });
const flaky = reported('tests/test_a.py::test_c', { flaky: true, attempts: [attempt('failed', 'timed\nout'), attempt('passed', null)] });

test('names each failure with the commands that reproduce it, and ends with the verdict', () => {
  const report = sampleReport([red, reported('tests/test_a.py::test_d', {}), flaky]);
  const files = ['out/report.html', 'out/report.json'];
  const lines = reportLines(report, files, placesIn('out', false));
  expect(lines.map(({ kind }) => kind)).toEqual(['failure', 'flaky', 'verdict']);
  expect(lines[0]).toEqual({
    kind: 'failure',
    nodeid: "tests/test_a.py::test_b[it's]",
    outcome: 'failed',
    file: 'tests/test_a.py',
    line: 12,
    message: 'assert 1 == 2',
    agent: 'a1',
    command: `pytest 'tests/test_a.py::test_b[it'\\''s]'`,
    replay: 'shardline replay out --agent a1 --worker gw0',
  });
  expect(lines[1]).toEqual({ kind: 'flaky', nodeid: 'tests/test_a.py::test_c', attempts: 2, message: 'timed\\nout' });
  expect(lines.at(-1)).toMatchObject({ kind: 'verdict', version: 1, exitCode: 1, verdict: 'failed', files, totals: { failed: 1 } });
});

test('names what did not run or could not be collected', () => {
  const report = sampleReport([], {
    notRun: [{ nodeid: testFile('tests/test_z.py'), kind: 'file', tests: null, reason: 'deadline', predictedSeconds: 4 }],
    collectErrors: [{ file: testFile('tests/test_e.py'), nodeid: nodeId('tests/test_e.py'), message: 'E   ImportError: no module' }],
  });
  const lines = reportLines(report, [], NO_PLACES);
  expect(lines[0]).toMatchObject({ kind: 'error', nodeid: 'tests/test_e.py', command: 'pytest tests/test_e.py' });
  expect(lines[1]).toEqual({ kind: 'not-run', nodeid: 'tests/test_z.py', tests: null, reason: 'deadline reached' });
});

test('has no replay command for an agent whose events were not kept', () => {
  expect(reportLines(sampleReport([red]), ['x/report.json'], NO_PLACES)[0]).toMatchObject({ kind: 'failure', replay: null });
});

test('shows how two values differ instead of a shortened comparison', () => {
  const message =
    "E   AssertionError: assert {'currency': ...0} == {'currency': ...0}\nE     Differing items:\nE     {'currency': 'EUR'} != {'currency': 'USD'}";
  const brief = "AssertionError: assert {'currency': ...0} == {'currency': ...0}";
  const test = reported('t.py::t', { outcome: 'failed', attempts: [{ ...attempt('failed', message), brief }] });
  const shown = "{'currency': 'EUR'} != {'currency': 'USD'}";
  expect(reportLines(sampleReport([test]), [], NO_PLACES)[0]).toMatchObject({ message: shown });
  expect(summaryMarkdown(sampleReport([test]), NO_PLACES)).toContain(`failed \`t.py::t\`: \`${shown}\``);
  expect(renderReport(sampleReport([test]), { color: false, width: null, paths: [], verbosity: 'quiet' })).toContain(
    `FAILED t.py::t - ${shown}`,
  );
});

test('a line has no line break, whatever a test prints', () => {
  const odd = reported('tests/test_a.py::test_b', { outcome: 'failed', attempts: [attempt('failed', 'a\u2028b\r\nc\u001b[31m')] });
  for (const line of reportLines(sampleReport([odd]), [], NO_PLACES)) expect(JSON.stringify(line)).not.toMatch(/[\n\r\u001b]/);
});
