// When a run with a deadline must do what, in milliseconds since the epoch by the coordinator's clock.
//
// drainAt: no shard begins, tests that run may end → interruptAt: Ctrl-C, fixtures are torn down → killAt: SIGKILL → mergeAt: what is known is merged → endAt.

import type { RunOpened } from './events.ts';

/** The drain is this part of the deadline … */
const DRAIN_PART = 0.02;
/** … within these bounds: what agents get to stop what they run and to store the last results … */
const DRAIN_SECONDS = { least: 1, most: 10 } as const;
/** … and never more than this part of a deadline that is too short for it; the same for the reserve. */
const MOST_PART = 0.25;

/** Parts of the drain until what still runs is interrupted, and until it is killed: the rest is for the last results to arrive. */
const INTERRUPT_PART = 0.3;
const KILL_PART = 0.6;

export interface DeadlineTimes {
  /** No further shard is begun. */
  readonly drainAt: number;
  /** What still runs is interrupted. */
  readonly interruptAt: number;
  /** What ignores that is killed. */
  readonly killAt: number;
  /** Nothing more is waited for: what is known is merged and written. */
  readonly mergeAt: number;
  readonly endAt: number;
}

/** null without a deadline. A deadline too short for its own parts gives at least half of it to the tests. */
export function deadlineTimes({ startedAt, deadline }: Pick<RunOpened, 'startedAt' | 'deadline'>): DeadlineTimes | null {
  if (deadline === null) return null;
  const { seconds, reserveSeconds } = deadline;
  const endAt = startedAt + seconds * 1000;
  const mergeAt = endAt - Math.min(reserveSeconds, seconds * MOST_PART) * 1000;
  const wantedSeconds = Math.min(Math.max(seconds * DRAIN_PART, DRAIN_SECONDS.least), DRAIN_SECONDS.most);
  const drainMs = Math.min(wantedSeconds, seconds * MOST_PART) * 1000;
  const drainAt = mergeAt - drainMs;
  return { drainAt, interruptAt: drainAt + drainMs * INTERRUPT_PART, killAt: drainAt + drainMs * KILL_PART, mergeAt, endAt };
}

/** The part of a deadline that is kept when nobody says: 2 % of it, at least a second. */
export const defaultReserveSeconds = (seconds: number): number => Math.max(1, seconds * 0.02);
