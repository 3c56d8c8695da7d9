// Judges whether a run reached its targets.

import { assertNever } from '../../../shared/assert-never.ts';
import type { JudgedTarget, Report } from '../../../shared/domain/report.ts';
import type { Measure, Target } from '../../../shared/domain/targets.ts';
import { firstExitCode } from './verdict.ts';

/**
 * Returns the report with each target judged. A run that misses a target has failed: exit code 1 joins the codes that already applied. A
 * target without a measurement is missed.
 */
export function withTargets(report: Report, targets: readonly Target[]): Report {
  const judged = targets.map((target): JudgedTarget => {
    const value = measured(report, target.measure);
    return { target: target.text, measure: target.measure, value, met: value !== null && holds(value, target) };
  });
  if (judged.every(({ met }) => met)) return { ...report, targets: judged };
  const exitCode = firstExitCode([report.exitCode === 0 ? 1 : report.exitCode, 1]);
  return { ...report, targets: judged, exitCode, verdict: exitCode === 1 ? 'failed' : report.verdict };
}

/** The measured value in the unit of `Target.limit`; null if unknown. */
function measured({ profile, totals, agents, startedAt, finishedAt }: Report, measure: Measure): number | null {
  switch (measure) {
    case 'time':
      return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
    case 'makespan':
      return profile.makespanSeconds;
    case 'first-test':
      return profile.timeToFirstTestSeconds;
    case 'speedup':
      return profile.speedup;
    case 'efficiency':
      return profile.efficiency;
    case 'cpu':
      return profile.cpuUtilization;
    case 'memory': {
      const known = agents.map(({ peakRssBytes }) => peakRssBytes).filter((bytes) => bytes > 0);
      return known.length === 0 ? null : Math.max(...known);
    }
    case 'pass-rate': {
      const counted = totals.expected - totals.skipped;
      return counted === 0 ? null : (totals.passed + totals.xfailed + totals.xpassed) / counted;
    }
    case 'flaky':
      return totals.flaky;
    default:
      return assertNever(measure);
  }
}

function holds(value: number, { is, limit }: Target): boolean {
  switch (is) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '=':
      return value === limit;
    default:
      return assertNever(is);
  }
}
