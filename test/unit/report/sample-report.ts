// A sample report for tests of every form.

import { reportParts, type TerminalOptions } from '../../../coordinator/reporters/summary/terminal-summary.ts';
import { agentId, nodeId, runId, shardId, testFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { Report, ReportedTest } from '../../../shared/domain/report.ts';
import { NOTHING_SHOWN } from '../../../shared/domain/shown.ts';

export function sampleTest(id: string, outcome: Outcome, message: string | null = null, output = ''): ReportedTest {
  const attempt = {
    agent: agentId('a1'),
    worker: 'gw0',
    startedAt: '2026-01-02T03:04:05.000Z',
    seconds: 0.25,
    outcome,
    message,
    brief: null,
  };
  const sections = output === '' ? [] : [{ title: 'Captured stdout call', text: output }];
  return {
    nodeid: nodeId(id),
    outcome,
    flaky: false,
    seconds: 0.25,
    file: testFile(id.split('::', 1)[0] ?? ''),
    line: 3,
    attempts: [{ ...attempt, sections }],
  };
}

export function sampleReport(tests: readonly ReportedTest[], changes: Partial<Report> = {}): Report {
  const count = (outcome: Outcome): number => tests.filter((test) => test.outcome === outcome).length;
  const isRed = count('failed') + count('error') > 0;
  return {
    rejected: [],
    missingMessages: [],
    absent: [],
    conflicts: [],
    waits: [],
    restarted: null,
    origin: null,
    part: null,
    partProblems: [],
    schema: 1,
    runId: runId('20260102-030405-abcd'),
    verdict: isRed ? 'failed' : 'passed',
    exitCode: isRed ? 1 : 0,
    startedAt: '2026-01-02T03:04:05.000Z',
    finishedAt: '2026-01-02T03:04:17.300Z',
    deadline: null,
    totals: {
      expected: tests.length,
      passed: count('passed'),
      failed: count('failed'),
      error: count('error'),
      skipped: count('skipped'),
      xfailed: count('xfailed'),
      xpassed: count('xpassed'),
      flaky: 0,
      notRun: 0,
      notRunIsLeast: false,
      duplicatesDropped: 0,
    },
    tests,
    notRun: [],
    textsCut: 0,
    collectErrors: [],
    sessionErrors: [],
    shards: [{ id: shardId(1), selectors: 1, predictedSeconds: 1, seconds: 1, agent: agentId('a1'), attempt: 1, state: 'done' }],
    agents: [
      {
        id: agentId('a1'),
        host: 'h',
        workers: 2,
        tests: tests.length,
        busySeconds: 1,
        idleSeconds: 0,
        peakRssBytes: 1,
        cpuSeconds: null,
        ended: 'left',
        why: null,
        fingerprint: null,
        differences: [],
      },
    ],
    fingerprint: null,
    profile: {
      setupSeconds: 0,
      discoverySeconds: 0,
      collectionSeconds: 0,
      executionSeconds: 1,
      mergeSeconds: 0,
      makespanSeconds: 1,
      boundSeconds: 1,
      efficiency: 1,
      cpuUtilization: null,
      timeToFirstTestSeconds: null,
      sequentialSeconds: 1,
      speedup: 1,
      secondsPerTest: 0.25,
      breakdown: null,
      rating: 'excellent',
    },
    targets: null,
    coverage: null,
    comparison: null,
    history: null,
    ...NOTHING_SHOWN,
    ...changes,
  };
}

/** The full text for the terminal. */
export function renderReport(report: Report, options: TerminalOptions): string {
  const { parts, verdict } = reportParts(report, options);
  return `${parts.map(({ text }) => text).join('')}${verdict}`;
}
