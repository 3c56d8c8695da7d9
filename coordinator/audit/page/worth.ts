// Judges whether shardline is worth it for this suite.

import { plural } from '../../../shared/text/safe-text.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import { inSeconds } from '../../reporters/summary/profile-text.ts';
import type { Audit } from '../core/audit.ts';

/** It is worth it if a run saves this much, and this share, against the fastest pytest on this machine. */
const WORTH = { seconds: 10, share: 0.2 } as const;

type Judged = Pick<Audit, 'what' | 'pytestArgs' | 'sequential' | 'parallel' | 'sharded' | 'prediction'>;

export interface Worth {
  /** The verdict with the times behind it. */
  readonly verdict: string;
  /** The next command. */
  readonly next: string;
}

/** null if one of the times is unknown. */
export function worthOf({ what, pytestArgs, sequential, parallel, sharded, prediction }: Judged): Worth | null {
  const whole = [sequential, parallel].flatMap((each) => (each === null || each.isPartial ? [] : [each.seconds]));
  if (whole.length === 0 || sharded === null || sharded.report.totals.notRun > 0) return null;
  const pytestSeconds = Math.min(...whole);
  const rows = prediction?.rows ?? [];
  const more = rows.find(({ agents }) => agents === prediction?.knee) ?? rows.at(-1);
  const isWorth = (seconds: number): boolean => pytestSeconds - seconds >= Math.max(WORTH.seconds, WORTH.share * pytestSeconds);
  if (isWorth(sharded.seconds)) {
    const rest = pytestArgs.length === 0 ? [] : ['--', ...pytestArgs];
    return {
      verdict: `worth it: pytest takes ${inSeconds(pytestSeconds)} here, and shardline ${inSeconds(sharded.seconds)}`,
      next: shellCommand(['shardline', 'run', ...what, ...rest]),
    };
  }
  if (more !== undefined && more.agents > 1 && isWorth(more.seconds)) {
    return {
      verdict: `worth it on ${plural(more.agents, 'machine')}: pytest takes ${inSeconds(pytestSeconds)} on one, and shardline about ${inSeconds(more.seconds)} (predicted)`,
      next: 'shardline init',
    };
  }
  const saved = pytestSeconds - Math.min(sharded.seconds, more?.seconds ?? sharded.seconds);
  const saves = saved <= 0 ? 'nothing' : `at most ${inSeconds(saved)}`;
  const selected = what.includes('--selected') ? [] : what;
  return {
    verdict: `not worth it: pytest takes ${inSeconds(pytestSeconds)}, and shardline saves ${saves}`,
    next: shellCommand(['pytest', '-n', 'auto', ...selected, ...pytestArgs]),
  };
}
