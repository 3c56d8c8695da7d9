// Times by the clock that coordinator and agents agree by, which is the Redis server's: machines' clocks differ. What an agent tells is converted once as it
// leaves, and once more where it arrives.

import type { AttemptEvent, RunEvent } from '../domain/events.ts';

/** The event with each of its instants moved by `aheadMs`: by how much the clock that is wanted is ahead of the one that it was told by. */
export function inTimeOf(event: RunEvent, aheadMs: number): RunEvent {
  if (aheadMs === 0) return event;
  if (event.kind === 'attempt-told') return { ...event, event: attemptEventAt(event.event, aheadMs) };
  return { ...event, at: event.at + aheadMs };
}

function attemptEventAt(event: AttemptEvent, aheadMs: number): AttemptEvent {
  const at = event.at + aheadMs;
  if (event.kind !== 'test-finished') return { ...event, at };
  return { ...event, at, result: { ...event.result, startedAt: event.result.startedAt + aheadMs } };
}

/** By how much the agreed clock is ahead of this machine's, in whole milliseconds: an answer is no more exact. Both were read at the same moment. */
export const aheadOf = (agreedNow: number, now: number): number => Math.round(agreedNow - now);
