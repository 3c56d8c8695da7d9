// The test that the keys have chosen, and the tests that they choose from there.

import { placeAt, type Timeline } from './lanes.ts';

/** One test: the index of its lane, and its index in the lane's attempts. */
export interface Cursor {
  readonly lane: number;
  readonly place: number;
}

/** The attempt at the cursor; undefined if there is none. */
export const attemptAt = ({ lanes }: Timeline, { lane, place }: Cursor): number | undefined => lanes[lane]?.attempts[place];

/** The test of another lane that ran when the cursor's test started; null if there is no such lane. */
export function besides(timeline: Timeline, cursor: Cursor, lane: number): Cursor | null {
  const now = attemptAt(timeline, cursor);
  const target = timeline.lanes[lane];
  if (target === undefined || now === undefined) return null;
  return { lane, place: Math.max(0, placeAt(target, timeline.attempts, timeline.attempts.startedAt[now] ?? 0)) };
}

/** The next failure after the cursor, lane by lane, and after the last one the first; null if no test failed. */
export function nextFailure({ lanes }: Timeline, after: Cursor | null): Cursor | null {
  const failures = lanes.flatMap((lane, index) => Array.from(lane.failures, (place) => ({ lane: index, place })));
  return failures.find((failure) => after === null || isAfter(failure, after)) ?? failures[0] ?? null;
}

const isAfter = (left: Cursor, right: Cursor): boolean => left.lane > right.lane || (left.lane === right.lane && left.place > right.place);
