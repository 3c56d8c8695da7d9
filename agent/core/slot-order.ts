// Which of the runs that one agent serves gets the next free slot of its machine. It only decides; slot-keeper.ts keeps the counts.

import type { RunId } from '../../shared/domain/ids.ts';

/** What ranks a run among others. `drain` has its deadline, by the clock that all runs of a Redis share; null without one. */
export interface Urgency {
  readonly runId: RunId;
  readonly priority: number;
  readonly drain: { readonly at: number } | null;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
}

/** One run's claim on the slots. */
export interface SlotClaim extends Urgency {
  /** Slots that the run has. */
  readonly taken: number;
  /** How long the run has had slots of this agent, added up, in milliseconds. */
  readonly servedMs: number;
}

/** Sorts the most urgent run first: the higher priority, then the nearer deadline, then the earlier start. */
export const byUrgency = (left: Urgency, right: Urgency): number => byRank(left, right) || left.openedAt - right.openedAt;

/**
 * Sorts the run first that gets the next free slot: the higher priority, then the nearer deadline. Runs of one priority and deadline get
 * equal parts: the one with the fewest slots is next, then the one that got least.
 */
export const byTurn = (left: SlotClaim, right: SlotClaim): number =>
  byRank(left, right) || left.taken - right.taken || left.servedMs - right.servedMs || left.openedAt - right.openedAt;

/** Whether the run ranks before the other: by priority or deadline, not merely by its start. */
export const ranksBefore = (left: Urgency, right: Urgency): boolean => byRank(left, right) < 0;

function byRank(left: Urgency, right: Urgency): number {
  const [first, second] = [left.drain?.at ?? Number.POSITIVE_INFINITY, right.drain?.at ?? Number.POSITIVE_INFINITY];
  if (left.priority !== right.priority) return right.priority - left.priority;
  return first === second ? 0 : first - second;
}
