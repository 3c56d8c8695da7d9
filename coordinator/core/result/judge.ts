// What a report says beyond its own run: the targets it was to reach, and an earlier run to compare it with.

import type { Report } from '../../../shared/domain/report.ts';
import type { Target } from '../../../shared/domain/targets.ts';
import { type Baseline, compareRuns } from './compare.ts';
import { withTargets } from './targets.ts';

/** null for what nobody asked for; what the report says of it already then stands. */
export interface Judgement {
  readonly targets: readonly Target[] | null;
  readonly baseline: Baseline | null;
}

export function judge(report: Report, { targets, baseline }: Judgement): Report {
  const compared = baseline === null ? report : { ...report, comparison: compareRuns(report, baseline) };
  return targets === null ? compared : withTargets(compared, targets);
}
