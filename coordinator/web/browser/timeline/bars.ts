// Where the bars of the timeline are: the bar of a test, and the bar below the pointer.

import type { Cursor } from './cursor.ts';
import { endOf, groupAt, type Lane, placeAt, type Timeline } from './lanes.ts';

/** The bar under the pointer or selected with the keys: a test's, or a file's if single tests are too small to see. */
export interface Bar {
  readonly lane: Lane;
  /** Indexes in the lane's attempts: the first, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** The bar's middle or the pointer, and the bar's lower edge, in pixels from the upper left of the lanes. */
  readonly x: number;
  readonly y: number;
}

/** The visible part of the timeline. */
export interface Scale {
  readonly width: number;
  /** Instants are milliseconds since the run's start, positions are pixels from the left edge. */
  readonly toX: (at: number) => number;
  readonly atX: (x: number) => number;
}

const LANES_ROOM = 420;
const LANE = { least: 8, most: 22 } as const;
/** A bar is pointed at if the pointer is at most this many pixels beside it. */
const HIT = 3;

/** In pixels. */
export const laneHeightOf = (timeline: Timeline): number =>
  Math.max(LANE.least, Math.min(LANE.most, Math.floor(LANES_ROOM / Math.max(1, rowsOf(timeline)))));

/** The lanes of the workers, and those of the waits below them. */
export const rowsOf = ({ lanes, waits }: Timeline): number => lanes.length + waits.length;

/** True if the bar is one test's. */
export const isSingle = ({ from, to }: Bar): boolean => to - from === 1;

/** The bar of one test; null if there is no such test. */
export function barOf(timeline: Timeline, { lane: index, place }: Cursor, { width, toX }: Scale): Bar | null {
  const lane = timeline.lanes[index];
  const attempt = lane?.attempts[place];
  if (lane === undefined || attempt === undefined) return null;
  const x = toX((timeline.attempts.startedAt[attempt] ?? 0) + (timeline.attempts.ms[attempt] ?? 0) / 2);
  return { lane, from: place, to: place + 1, x: Math.max(0, Math.min(width, x)), y: (index + 1) * laneHeightOf(timeline) };
}

/** The bar at a position in the lanes; null if there is none. A failure is preferred, because its bar is drawn over the others. */
export function barAt(timeline: Timeline, [x, y]: readonly [x: number, y: number], { atX }: Scale): Bar | null {
  const { attempts, lanes } = timeline;
  const laneHeight = laneHeightOf(timeline);
  const index = Math.floor(y / laneHeight);
  const lane = lanes[index];
  if (lane === undefined) return null;
  const at = atX(x);
  const reachMs = atX(x + HIT) - at;
  const failure = nearestFailure(timeline, lane, at, reachMs);
  const place = failure ?? placeAt(lane, attempts, at + reachMs);
  const attempt = lane.attempts[place];
  if (attempt === undefined || endOf(attempts, attempt) < at - reachMs) return null;
  const isSmall = (attempts.ms[attempt] ?? 0) < reachMs / 2 && failure === null;
  const [from, to] = isSmall ? groupAt(lane, place) : [place, place + 1];
  return { lane, from, to, x, y: (index + 1) * laneHeight };
}

const nearestFailure = ({ attempts }: Timeline, lane: Lane, at: number, reachMs: number): number | null =>
  lane.failures.find((place) => {
    const attempt = lane.attempts[place] ?? -1;
    return (attempts.startedAt[attempt] ?? 0) <= at + reachMs && endOf(attempts, attempt) >= at - reachMs;
  }) ?? null;
