// When a run with a deadline must do what, in milliseconds since the epoch by the coordinator's clock.

import type { RunOpened } from './events.ts';

/** What agents get to stop what they run and to store the last results. */
const DRAIN_SECONDS = 1;

export interface DeadlineTimes {
  /** Everything that still runs is interrupted. */
  readonly drainAt: number;
  /** Nothing more is waited for: what is known is merged and written. */
  readonly mergeAt: number;
  readonly endAt: number;
}

/** null without a deadline. A deadline too short for its own parts gives at least half of it to the tests. */
export function deadlineTimes({ startedAt, deadline }: Pick<RunOpened, 'startedAt' | 'deadline'>): DeadlineTimes | null {
  if (deadline === null) return null;
  const { seconds, reserveSeconds } = deadline;
  const endAt = startedAt + seconds * 1000;
  const mergeAt = endAt - Math.min(reserveSeconds, seconds / 4) * 1000;
  return { endAt, mergeAt, drainAt: mergeAt - Math.min(DRAIN_SECONDS, seconds / 4) * 1000 };
}

/** The part of a deadline that is kept when nobody says: 2 % of it, at least a second. */
export const defaultReserveSeconds = (seconds: number): number => Math.max(1, seconds * 0.02);
