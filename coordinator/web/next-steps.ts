// What the report suggests to do next.

import type { Report } from '../../shared/domain/report.ts';
import { shellCommand } from '../../shared/text/shell-quote.ts';
import { adviceOf } from '../core/result/profile.ts';
import type { Places } from '../report-places.ts';

/** Short texts with commands in backquotes. */
export function nextSteps(report: Report, places: Pick<Places, 'json' | 'isNewest'>): readonly string[] {
  const { totals, collectErrors, sessionErrors, notRun, partProblems, missingMessages, agents } = report;
  const reasons = new Set(notRun.map(({ reason }) => reason));
  const has = (...ends: readonly string[]): boolean => agents.some(({ ended }) => ended !== null && ends.includes(ended));
  const advice = adviceOf(report);
  const again = againCommand(report, places);
  const steps: readonly (readonly [applies: boolean, step: string])[] = [
    [again !== null && totals.failed + totals.error + collectErrors.length > 0, `Run only what failed: ${again}.`],
    [
      report.verdict === 'interrupted',
      'The run was interrupted: run the same command again. `--resume` is only for a run whose coordinator died.',
    ],
    [sessionErrors.length > 0, 'pytest failed after its tests: see the failures, and run `pytest` with the same options.'],
    [reasons.has('deadline'), 'The deadline was too short: raise `--deadline`, or add agents.'],
    [reasons.has('crash-limit'), 'Tests crash pytest or its agent: open them in the list of tests, and run each alone.'],
    [reasons.has('no-agent'), 'No agent was left: see "Agents and time", and check them with `shardline doctor`.'],
    [
      reasons.has('unmet-needs'),
      'No agent could run some tests: start an agent with the label that they need, or raise the limit of the resource.',
    ],
    [reasons.has('inseparable'), 'Test files depend on each other: run with `--collect suite`.'],
    [has('refused', 'not-started', 'quarantined'), 'shardline refused or dropped an agent: "Agents and time" has the reason.'],
    [missingMessages.length > 0, 'Messages of agents are missing in Redis: see who can write to it, and run again.'],
    [partProblems.length > 0, 'The parts do not cover the suite: run the missing part again, and merge again.'],
    [advice !== null, `The next run can be faster: ${advice}.`],
  ];
  return steps.filter(([applies]) => applies).map(([, step]) => step);
}

/** The report of another machine is not in this one's `.shardline/runs`. null if the report exists only on this page. */
function againCommand({ origin }: Report, { json, isNewest }: Pick<Places, 'json' | 'isNewest'>): string | null {
  if (isNewest && origin?.job === null) return '`shardline run --failed`';
  if (json === null) return null;
  const where = json === 'report.json' ? ', with the report.json of this run' : '';
  return `\`${shellCommand(['shardline', 'run', '--failed', '--baseline', json])}\`${where}`;
}
