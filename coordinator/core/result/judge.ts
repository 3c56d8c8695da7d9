// Adds to a report what goes beyond its own run: its targets, and the comparison with an earlier run.

import { pytestId } from '../../../shared/domain/ids.ts';
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

/** The report of a retry that ran what had failed before, and what had not run: a test that had failed and passes now is flaky. */
export function asRetry(report: Report, { failed, flakyFails }: { failed: ReadonlySet<string>; flakyFails: boolean }): Report {
  const isFlaky = ({ nodeid, outcome }: Report['tests'][number]): boolean => outcome === 'passed' && failed.has(pytestId(nodeid));
  const tests = report.tests.map((test) => (isFlaky(test) ? { ...test, flaky: true } : test));
  const flaky = tests.filter((test) => test.flaky).length;
  const isRed = flakyFails && flaky > 0 && report.exitCode === 0;
  return { ...report, ...(isRed ? { verdict: 'failed', exitCode: 1 } : {}), tests, totals: { ...report.totals, flaky } };
}
