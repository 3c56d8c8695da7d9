// What the report suggests to do next.

import type { Report } from '../../shared/domain/report.ts';
import { adviceOf } from '../core/result/advice.ts';

/** Short texts with commands in backquotes. */
export function nextSteps(report: Report): readonly string[] {
  const { totals, collectErrors, sessionErrors, notRun, partProblems, agents } = report;
  const reasons = new Set(notRun.map(({ reason }) => reason));
  const has = (...ends: readonly string[]): boolean => agents.some(({ ended }) => ended !== null && ends.includes(ended));
  const advice = adviceOf(report);
  const steps: readonly (readonly [applies: boolean, step: string])[] = [
    [totals.failed + totals.error + collectErrors.length > 0, 'Run only what failed: `shardline run --failed`.'],
    [sessionErrors.length > 0, 'pytest failed after its tests: see "Warnings and output", and run `pytest` with the same options.'],
    [reasons.has('deadline'), 'The deadline was too short: raise `--deadline`, or add agents.'],
    [reasons.has('crash-limit'), 'A test crashes pytest or its agent: run it alone with the command beside it.'],
    [reasons.has('no-agent'), 'No agent was left: see "Agents and time", and check them with `shardline doctor`.'],
    [reasons.has('inseparable'), 'Test files depend on each other: run with `--collect suite`.'],
    [has('refused', 'not-started', 'quarantined'), 'An agent did not take part: "Agents and time" has the reason.'],
    [partProblems.length > 0, 'The parts are not one whole suite: run the missing part again, and merge again.'],
    [advice !== null, `To be faster: ${advice}.`],
  ];
  return steps.filter(([applies]) => applies).map(([, step]) => step);
}
