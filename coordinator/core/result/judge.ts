// Adds to a report what goes beyond its own run: its targets, and the comparison with an earlier run.

import type { Report } from '../../../shared/domain/report.ts';
import type { Target } from '../../../shared/domain/targets.ts';
import { type Baseline, compareRuns } from './compare.ts';
import { withTargets } from './targets.ts';

/** null if not requested; the report then keeps what it already has. */
export interface Judgement {
  readonly targets: readonly Target[] | null;
  readonly baseline: Baseline | null;
}

export function judge(report: Report, { targets, baseline }: Judgement): Report {
  const compared = baseline === null ? report : { ...report, comparison: compareRuns(report, baseline) };
  return targets === null ? compared : withTargets(compared, targets);
}

/** The report of a retry that ran only what had failed before: a test that passes only now is flaky. */
export function asRetry(report: Report): Report {
  const tests = report.tests.map((test) => (test.outcome === 'passed' ? { ...test, flaky: true } : test));
  const flaky = tests.filter((test) => test.flaky).length;
  return { ...report, tests, totals: { ...report.totals, flaky } };
}
