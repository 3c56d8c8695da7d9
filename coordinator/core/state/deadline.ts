// Computes the phases of a deadline, in milliseconds since the epoch by the coordinator's clock.
// drainAt: no shard starts, running tests may end → interruptAt: Ctrl-C, fixtures are torn down → killAt: SIGKILL → mergeAt: known results
// are merged → endAt.

import type { RunOpened } from './events.ts';

/** The drain takes this part of the deadline … */
const DRAIN_PART = 0.02;
/** … within these bounds, in which agents stop running tests and store their last results … */
const DRAIN_SECONDS = { least: 1, most: 10 } as const;
/** … and never more than this part of a deadline that is too short for it; the default reserve has the same limit. */
const SHORT_PART = 0.1;
/** A reserve that the user sets is at most this part of the deadline. */
const MOST_RESERVE_PART = 0.25;

/** Parts of the drain before running tests are interrupted and before they are killed; the rest is for the last results to arrive. */
const INTERRUPT_PART = 0.3;
const KILL_PART = 0.6;

export interface DeadlineTimes {
  /** No further shard starts. */
  readonly drainAt: number;
  /** Running tests are interrupted. */
  readonly interruptAt: number;
  /** Tests that ignore the interrupt are killed. */
  readonly killAt: number;
  /** The wait ends: known results are merged and written. */
  readonly mergeAt: number;
  readonly endAt: number;
}

/** null without a deadline. A deadline too short for its phases leaves at least 80 % of its time to the tests with the default reserve. */
export function deadlineTimes({ startedAt, deadline }: Pick<RunOpened, 'startedAt' | 'deadline'>): DeadlineTimes | null {
  if (deadline === null) return null;
  const { seconds, reserveSeconds } = deadline;
  const endAt = startedAt + seconds * 1000;
  const mergeAt = endAt - Math.min(reserveSeconds, seconds * MOST_RESERVE_PART) * 1000;
  const wantedSeconds = Math.min(Math.max(seconds * DRAIN_PART, DRAIN_SECONDS.least), DRAIN_SECONDS.most);
  const drainMs = Math.min(wantedSeconds, seconds * SHORT_PART) * 1000;
  const drainAt = mergeAt - drainMs;
  return { drainAt, interruptAt: drainAt + drainMs * INTERRUPT_PART, killAt: drainAt + drainMs * KILL_PART, mergeAt, endAt };
}

/** Default reserve: 2 % of the deadline, at least one second, but at most a tenth of the deadline. */
export const defaultReserveSeconds = (seconds: number): number => Math.min(Math.max(1, seconds * 0.02), seconds * SHORT_PART);
