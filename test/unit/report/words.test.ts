// The text of profile, targets and comparison.

import { expect, test } from 'vitest';
import { withTargets } from '../../../coordinator/core/result/targets.ts';
import { NO_PLACES } from '../../../coordinator/report-places.ts';
import { summaryMarkdown } from '../../../coordinator/reporters/files/summary-md.ts';
import { comparisonLines, targetLines } from '../../../coordinator/reporters/summary/judgement-text.ts';
import { adviceLine, profileLines } from '../../../coordinator/reporters/summary/profile-text.ts';
import { agentId, nodeId } from '../../../shared/domain/ids.ts';
import { type Breakdown, type Phase, phases, type Report } from '../../../shared/domain/report.ts';
import { parseTargets } from '../../../shared/domain/targets.ts';
import { renderReport, sampleReport, sampleTest } from './sample-report.ts';

const seconds: Partial<Record<Phase, number>> = { preparation: 1.23, execution: 8, collection: 2, imbalance: 0.01 };
const plain = sampleReport([sampleTest('t.py::test_a', 'passed')]);
const report: Report = {
  ...plain,
  agents: [
    {
      id: agentId('a1'),
      host: 'box',
      workers: 2,
      tests: 1,
      busySeconds: 1,
      idleSeconds: 0,
      peakRssBytes: 123_400_000,
      cpuSeconds: 15,
      ended: 'left',
      why: null,
      fingerprint: null,
      differences: [],
    },
  ],
  profile: {
    ...plain.profile,
    makespanSeconds: 10,
    sequentialSeconds: 20,
    speedup: 2,
    boundSeconds: 9,
    efficiency: 0.9,
    timeToFirstTestSeconds: 1.5,
    breakdown: Object.fromEntries(phases.map((phase) => [phase, { seconds: seconds[phase] ?? 0, share: 0 }])) as Record<
      Phase,
      { seconds: number; share: number }
    >,
  },
};

test('the profile has four lines whose seconds add up to the time of the run', () => {
  expect(profileLines(report)).toEqual([
    'time     12.3 s: set-up and discovery 1.23 s (10 %), collection 2.00 s (16 %), tests 8.00 s (65 %), merging and reports 1.06 s (9 %)',
    'speed    2.0 times as fast as one worker (20.0 s of collection and tests); first test after 1.50 s; 250 ms per test',
    'bound    2 workers need at least 9.00 s; it took 10.0 s (efficiency 90 %, excellent)',
    'agent    a1 on box: 1 test with 2 workers, CPU 75 %, memory at most 123 MB',
  ]);
});

test('counts collection as set-up when every worker collects the whole suite', () => {
  const breakdown = { ...report.profile.breakdown, collection: { seconds: 0, share: 0 } } as Breakdown;
  expect(profileLines({ ...report, profile: { ...report.profile, breakdown } })[0]).toContain(
    'time     12.3 s: set-up, discovery and collection 1.23 s (10 %), ',
  );
});

test('advises more workers if the tests wait, and more agents if the processors are busy', () => {
  const measured = (cpuUtilization: number | null, efficiency: number, makespanSeconds = 60): Report => ({
    ...report,
    profile: { ...report.profile, cpuUtilization, efficiency, makespanSeconds },
  });
  expect(adviceLine(measured(0.02, 0.9))).toEqual(['advice   Tests wait (CPU 2 %). Fix: `shardline run -n 4`']);
  expect(adviceLine(measured(0.95, 0.92))).toEqual([
    'advice   Tests are busy (CPU 95 %). Fix: add agents, or use a machine with more cores',
  ]);
  // Nothing is clear from a run that was short, badly divided, half measured or incomplete.
  expect(adviceLine(measured(0.02, 0.9, 20))).toEqual([]);
  expect(adviceLine(measured(0.02, 0.3))).toEqual([]);
  expect(adviceLine(measured(0.7, 0.9))).toEqual([]);
  expect(adviceLine(measured(null, 0.9))).toEqual([]);
  expect(adviceLine({ ...measured(0.02, 0.9), totals: { ...report.totals, notRun: 1 } })).toEqual([]);
});

test('advises the command that starts the agents', () => {
  const waits: Report = { ...report, profile: { ...report.profile, cpuUtilization: 0.02, makespanSeconds: 60 } };
  const remote = { ...waits, agents: waits.agents.map((agent) => ({ ...agent, id: agentId('box-3c1a') })) };
  expect(adviceLine(remote)).toEqual(['advice   Tests wait (CPU 2 %). Fix: `shardline agent -n 4`']);
  const origin = { project: 'shop', branch: null, command: 'shardline ci tests/', job: null };
  expect(adviceLine({ ...remote, origin })).toEqual(['advice   Tests wait (CPU 2 %). Fix: `shardline ci -n 4`']);
});

test('advises to split a test that alone takes as long as the run must, and no more workers', () => {
  const slow = { ...sampleTest('t.py::test_slow', 'passed'), seconds: 40 };
  const measured = (sequentialSeconds: number, boundSeconds: number): Report => ({
    ...report,
    tests: [...report.tests, slow],
    profile: { ...report.profile, cpuUtilization: 0.02, makespanSeconds: 44, efficiency: 0.9, sequentialSeconds, boundSeconds },
  });
  const closing = (each: Report): string => renderReport(each, { color: false, width: null, paths: [], verbosity: 'normal' });
  const line = 'slowest  40.0 s t.py::test_slow: shorten or split it; more workers do not help\n';
  expect(adviceLine(measured(41, 40))).toEqual([]);
  expect(closing(measured(41, 40))).toContain(line);
  // The test is as long as an even share of the work.
  expect(adviceLine(measured(82, 41))).toEqual([]);
  // Another piece is the bound, such as a file whose tests stay together.
  expect(adviceLine(measured(82, 60))).toEqual([]);
  expect(closing(measured(82, 60))).toContain('slowest  40.0 s t.py::test_slow\n');
  expect(adviceLine(measured(160, 80))).toHaveLength(1);
});

test('omits the rating of a failed run', () => {
  const failed: Report = { ...report, verdict: 'failed', exitCode: 1 };
  expect(profileLines(failed)[2]).toBe('bound    2 workers need at least 9.00 s; it took 10.0 s (efficiency 90 %)');
  expect(renderReport(failed, { color: false, width: 80, paths: [], verbosity: 'normal' })).not.toContain('excellent');
});

test('a short run gets no rating', () => {
  const short = { ...report, profile: { ...report.profile, makespanSeconds: 9.9 } };
  expect(profileLines(short)[2]).toBe('bound    2 workers need at least 9.00 s; it took 9.90 s (efficiency 90 %)');
});

test('names a failed test that is unstable, and a test that took much longer than in earlier runs', () => {
  const [red, slow] = [sampleTest('t.py::test_red', 'failed'), { ...sampleTest('t.py::test_slow', 'passed'), seconds: 3 }];
  const history = {
    unstable: [
      { nodeid: red.nodeid, lastRuns: 'FPPRRPF' },
      { nodeid: slow.nodeid, lastRuns: 'FPFP' },
    ],
    slowest: [{ nodeid: slow.nodeid, seconds: 3, usualSeconds: 1.2 }],
  };
  const options = { color: false, width: 100, paths: [], verbosity: 'normal' } as const;
  const shown = renderReport({ ...report, tests: [red, slow], history }, options).split('\n');
  expect(shown).toContain('UNSTABLE t.py::test_red - failed in 2 and passed only when run again in 2 of its last 7 runs');
  expect(shown).toContain('slowest  3.00 s t.py::test_slow (usually 1.20 s)');
  expect(shown.filter((line) => line.startsWith('UNSTABLE'))).toHaveLength(1);
  expect(summaryMarkdown({ ...report, tests: [red, slow], history }, NO_PLACES)).toContain(
    '- unstable: `t.py::test_slow` failed in 2 of its last 4 runs',
  );
});

test('a run ends with at most four lines: warnings, time against the bound, reports and the verdict', () => {
  const options = { color: false, width: 80, paths: ['out/report.html', 'out/report.json'], verbosity: 'normal' } as const;
  const linesOf = (given: Report, changes = {}): string[] =>
    renderReport(given, { ...options, ...changes })
      .trimEnd()
      .split('\n');
  const slow = { ...sampleTest('t.py::test_slow', 'passed'), seconds: 3 };
  expect(linesOf({ ...report, tests: [slow] })).toEqual([
    'time     10.0 s for the tests; 2 workers need at least 9.00 s (90 %, excellent)',
    'slowest  3.00 s t.py::test_slow',
    'reports  out/report.html, report.json',
    'passed: 1 passed in 12.3 s; exit 0',
  ]);
  const places = [{ place: 't.py:1', count: 1 }];
  const warnings = [{ category: 'UserWarning', message: 'look out', file: 't.py', line: 1, count: 1, places }];
  expect(linesOf({ ...report, tests: [slow], warnings }).map((line) => line.split(' ')[0])).toEqual([
    'warnings',
    'time',
    'reports',
    'passed:',
  ]);
  expect(linesOf({ ...report, profile: { ...report.profile, makespanSeconds: 2 }, tests: [slow] })).toHaveLength(2);
  const deadline = { seconds: 90, reserveSeconds: 1.8, met: false, overshootSeconds: 0 };
  expect(linesOf({ ...report, verdict: 'deadline', exitCode: 10, deadline })[0]).toBe(
    'deadline 1 min 30 s. Fix: raise --deadline or add agents',
  );
  expect(linesOf({ ...report, verdict: 'deadline', exitCode: 10, deadline, tests: [] }, { width: 100 })[0]).toBe(
    'Reached the 1 min 30 s deadline before any test finished. Fix: raise --deadline',
  );
  expect(linesOf(report, { width: 40, paths: ['a/long/directory/report.html', 'a/long/directory/report.json'] }).at(-2)).toBe(
    'reports  a/long/directory/report.html and 1 more file',
  );
});

test('shows no breakdown for a report of an earlier version', () => {
  expect(profileLines(plain)).toEqual(['agent    a1 on h: 1 test with 2 workers, memory at most 0 MB']);
});

test('shows targets as a table, and counts missed targets in the verdict', () => {
  const judged = withTargets(report, parseTargets('time<1s,memory<2GB,cpu>=50%') ?? []);
  expect(targetLines(judged)).toEqual([
    'target MISSED time<1s     12.3 s',
    'target met    memory<2GB  123 MB',
    'target MISSED cpu>=50%    not measured',
  ]);
  const text = renderReport(judged, { color: false, width: 80, paths: [], verbosity: 'quiet' });
  expect(text.trimEnd().split('\n').at(-1)).toBe('failed: 1 passed, 2 missed targets in 12.3 s; exit 1');
});

test('a comparison names the changed tests, and a test name never adds a line', () => {
  const comparison = {
    baseline: 'old',
    newFailures: [nodeId('t.py::test[a\nb]')],
    fixed: [],
    stillFailing: [],
    newlySlow: [{ nodeid: nodeId('t.py::slow'), beforeSeconds: 1, seconds: 3 }],
    added: [],
    vanished: Array.from({ length: 22 }, (_, index) => `t.py::gone_${index}`),
  };
  const lines = comparisonLines({ ...report, comparison });
  expect(lines[0]).toBe('compared with old: 1 new failure, 0 fixed, 0 still failing, 1 newly slow, 0 new tests, 22 vanished');
  expect(lines[1]).toBe('NEW FAILURE t.py::test[a\\nb]');
  expect(lines).toHaveLength(1 + 1 + 21 + 1);
  expect(lines.at(-1)).toBe('SLOWER t.py::slow - 1.00 s before, 3.00 s now');
});
