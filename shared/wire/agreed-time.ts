// Converts times to the clock that coordinator and agents share, the Redis server's, because the machines' clocks differ. An agent converts
// each event when it sends it, and the receiver converts it again.

import type { AttemptEvent, RunEvent } from '../domain/events.ts';

/** The event with each of its instants moved by `aheadMs`: by how much the target clock is ahead of the clock that the event used. */
export function inTimeOf(event: RunEvent, aheadMs: number): RunEvent {
  if (aheadMs === 0) return event;
  if (event.kind === 'attempt-reported') return { ...event, event: attemptEventAt(event.event, aheadMs) };
  return { ...event, at: event.at + aheadMs };
}

function attemptEventAt(event: AttemptEvent, aheadMs: number): AttemptEvent {
  const at = event.at + aheadMs;
  if (event.kind !== 'test-finished') return { ...event, at };
  return { ...event, at, result: { ...event.result, startedAt: event.result.startedAt + aheadMs } };
}

/**
 * By how much the agreed clock is ahead of this machine's, in whole milliseconds; the measurement is no more exact. Both arguments must be
 * read at the same moment. Never -0, which JSON cannot hold.
 */
export const aheadOf = (agreedNow: number, now: number): number => Math.round(agreedNow - now) + 0;
