// The report of a retry that ran only the tests that had failed before.

import type { Report } from '../../../shared/domain/report.ts';

/** A test that passes only when it is retried is flaky. */
export function asRetry(report: Report): Report {
  const tests = report.tests.map((test) => (test.outcome === 'passed' ? { ...test, flaky: true } : test));
  const flaky = tests.filter((test) => test.flaky).length;
  return { ...report, tests, totals: { ...report.totals, flaky } };
}
