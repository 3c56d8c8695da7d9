// Folded groups in the logs of CI providers.

import { expect, test } from 'vitest';
import { folded, logProvider } from '../../../coordinator/reporters/files/log-sections.ts';
import { reportParts } from '../../../coordinator/reporters/summary/terminal-summary.ts';
import { sampleReport, sampleTest } from './sample-report.ts';

test('detects a provider by the variables it documents', () => {
  expect(logProvider(true, {})).toBe('github');
  expect(logProvider(false, { GITLAB_CI: 'true' })).toBe('gitlab');
  expect(logProvider(false, { CI: 'true', GITLAB_CI: '' })).toBeNull();
});

test('wraps a group in the markers of its provider', () => {
  expect(folded('github', 'times', 'shardline_details', 'a\nb\n', 7)).toBe('::group::times\na\nb\n::endgroup::\n');
  expect(folded('gitlab', 'times', 'shardline_details', 'a\nb\n', 7)).toBe(
    '\u001b[0Ksection_start:7:shardline_details[collapsed=true]\r\u001b[0Ktimes\na\nb\n\u001b[0Ksection_end:7:shardline_details\r\u001b[0K\n',
  );
});

test('folds only slow tests and the profile, not failures', () => {
  const report = sampleReport([sampleTest('t.py::test_f', 'failed', 'E   no')]);
  const options = {
    color: false,
    width: 80,
    paths: ['out/report.html', 'out/report.json', 'copy.xml'],
    verbosity: 'verbose',
  } as const;
  const { parts } = reportParts(report, options);
  expect(parts.map(({ title }) => title)).toEqual([null, 'slowest tests and where the time went', null]);
  expect(parts[0]?.text).toContain('FAILED t.py::test_f - no\n');
  expect(parts[1]?.text).toMatch(/^slow {5}0\.25 s t\.py::test_f\nagent {4}a1 on h: /);
  expect(parts[2]?.text).toBe('reports  out/report.html, report.json\nreports  copy.xml\n');
  expect(reportParts(report, { ...options, verbosity: 'normal' }).parts.map(({ title }) => title)).toEqual([null, null]);
});
