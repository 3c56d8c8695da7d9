// Parses targets, and applies them to the verdict of a report.

import { expect, test } from 'vitest';
import { withTargets } from '../../../coordinator/core/result/targets.ts';
import { parseTargets } from '../../../shared/domain/targets.ts';
import { sampleReport, sampleTest } from '../report/sample-report.ts';

const judged = (text: string, report = sampleReport([sampleTest('t.py::test_a', 'passed')])) =>
  withTargets(report, parseTargets(text) ?? []);

test('parses targets with their units', () => {
  expect(parseTargets('time<2m, speedup>=3,cpu>=80%,memory<=1.5GB,pass-rate=1,flaky=0')).toEqual([
    { measure: 'time', is: '<', limit: 120, text: 'time<2m' },
    { measure: 'speedup', is: '>=', limit: 3, text: 'speedup>=3' },
    { measure: 'cpu', is: '>=', limit: 0.8, text: 'cpu>=80%' },
    { measure: 'memory', is: '<=', limit: 1.5e9, text: 'memory<=1.5GB' },
    { measure: 'pass-rate', is: '=', limit: 1, text: 'pass-rate=1' },
    { measure: 'flaky', is: '=', limit: 0, text: 'flaky=0' },
  ]);
});

test.each(['', 'time', 'time<', 'time<fast', 'tempo<3s', 'speedup>=3x', 'time<3s,', 'cpu=>80%', 'memory<-1'])(
  'rejects %j as a list of targets',
  (text) => {
    expect(parseTargets(text)).toBeNull();
  },
);

test('a run that meets all targets keeps its verdict', () => {
  const report = judged('time<=12.3s,pass-rate=100%,flaky=0');
  expect(report).toMatchObject({ verdict: 'passed', exitCode: 0 });
  expect(report.targets).toEqual([
    { target: 'time<=12.3s', measure: 'time', value: 12.3, met: true },
    { target: 'pass-rate=100%', measure: 'pass-rate', value: 1, met: true },
    { target: 'flaky=0', measure: 'flaky', value: 0, met: true },
  ]);
});

test('a run that misses a target fails with exit code 1', () => {
  expect(judged('time<12.3s')).toMatchObject({ verdict: 'failed', exitCode: 1, targets: [{ value: 12.3, met: false }] });
});

test('a target that was not measured counts as missed', () => {
  expect(judged('cpu>=0%')).toMatchObject({ exitCode: 1, targets: [{ value: null, met: false }] });
  expect(judged('pass-rate>=0%', sampleReport([sampleTest('t.py::test_s', 'skipped')]))).toMatchObject({
    targets: [{ value: null, met: false }],
  });
});

test('a missed target replaces a less severe exit code, but not a more severe one', () => {
  const interrupted = sampleReport([], { verdict: 'interrupted', exitCode: 2 });
  expect(judged('time<1s', interrupted)).toMatchObject({ verdict: 'interrupted', exitCode: 2 });
  const late = sampleReport([], { verdict: 'deadline', exitCode: 10 });
  expect(judged('time<1s', late)).toMatchObject({ verdict: 'failed', exitCode: 1 });
});
