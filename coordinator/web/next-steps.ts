// What the report suggests to do next.

import type { Report } from '../../shared/domain/report.ts';
import { adviceOf } from '../core/result/profile.ts';

/** Short texts with commands in backquotes. */
export function nextSteps(report: Report): readonly string[] {
  const { totals, collectErrors, sessionErrors, notRun, partProblems, agents } = report;
  const reasons = new Set(notRun.map(({ reason }) => reason));
  const has = (...ends: readonly string[]): boolean => agents.some(({ ended }) => ended !== null && ends.includes(ended));
  const advice = adviceOf(report);
  const steps: readonly (readonly [applies: boolean, step: string])[] = [
    [totals.failed + totals.error + collectErrors.length > 0, `Run only what failed: ${againCommand(report)}.`],
    [sessionErrors.length > 0, 'pytest failed after its tests: see the failures, and run `pytest` with the same options.'],
    [reasons.has('deadline'), 'The deadline was too short: raise `--deadline`, or add agents.'],
    [reasons.has('crash-limit'), 'Tests crash pytest or its agent: open them in the list of tests, and run each alone.'],
    [reasons.has('no-agent'), 'No agent was left: see "Agents and time", and check them with `shardline doctor`.'],
    [reasons.has('inseparable'), 'Test files depend on each other: run with `--collect suite`.'],
    [has('refused', 'not-started', 'quarantined'), 'An agent did not take part: "Agents and time" has the reason.'],
    [partProblems.length > 0, 'The parts are not one whole suite: run the missing part again, and merge again.'],
    [advice !== null, `The next run can be faster: ${advice}.`],
  ];
  return steps.filter(([applies]) => applies).map(([, step]) => step);
}

/** The report of another machine is not in this one's `.shardline/runs`. */
const againCommand = ({ origin, runId }: Report): string =>
  origin === null || origin.job !== null || runId.startsWith('merged-')
    ? '`shardline run --failed --baseline report.json`, with the report.json beside this page'
    : '`shardline run --failed`';
