// Profile, targets and comparison in words.

import { expect, test } from 'vitest';
import { withTargets } from '../../../coordinator/core/result/targets.ts';
import { comparisonLines, targetLines } from '../../../coordinator/reporters/summary/judgement-text.ts';
import { profileLines } from '../../../coordinator/reporters/summary/profile-text.ts';
import { agentId, nodeId } from '../../../shared/domain/ids.ts';
import { type Phase, phases, type Report } from '../../../shared/domain/report.ts';
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

test('the profile is a few lines whose seconds add up to those of the verdict', () => {
  expect(profileLines(report)).toEqual([
    'time     12.3 s: set-up and discovery 1.23 s (10 %), collection 2.00 s (16 %), tests 8.00 s (65 %), last accounts and merging 1.06 s (9 %)',
    'speed    2.0 times as fast as one worker (20.0 s of collection and tests); first test after 1.50 s; 250 ms a test',
    'bound    at least 9.00 s for this work on 2 workers, it took 10.0 s: efficiency 90 %, excellent',
    'agent    a1 on box: 1 test with 2 workers, CPU 75 %, memory at most 123 MB',
  ]);
});

test('a report of an earlier version has no breakdown to tell of', () => {
  expect(profileLines(plain)).toEqual(['agent    a1 on h: 1 test with 2 workers, memory at most 0 MB']);
});

test('targets are a table, and the verdict counts those that were missed', () => {
  const judged = withTargets(report, parseTargets('time<1s,memory<2GB,cpu>=50%') ?? []);
  expect(targetLines(judged)).toEqual([
    'target MISSED time<1s     12.3 s',
    'target met    memory<2GB  123 MB',
    'target MISSED cpu>=50%    not measured',
  ]);
  const text = renderReport(judged, { color: false, width: 80, paths: [], verbosity: 'quiet' });
  expect(text.trimEnd().split('\n').at(-1)).toBe('failed: 1 passed, 2 missed targets in 12.3 s; 1 agent, 1 file; exit 1');
});

test('a comparison names what changed, in lines that no test can add to', () => {
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
