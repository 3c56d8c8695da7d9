// Computes what the timeline draws: each xdist worker's attempts in order of their start, grouped by file for zoom levels at which single
// tests are too small to see.

import { type Attempts, type Model, ran, statuses } from '../model.ts';
import { type WaitLane, waitLanesOf } from './waits.ts';

export interface Lane {
  readonly agent: string;
  readonly worker: string;
  /** Attempts by start. */
  readonly attempts: Int32Array;
  /** Indexes in `attempts` at which a run of tests of one file begins, then the length of `attempts`. */
  readonly groups: Int32Array;
  /** Indexes in `attempts` of the failed ones. */
  readonly failures: Int32Array;
  readonly busyMs: number;
}

export interface Timeline {
  readonly lanes: readonly Lane[];
  readonly waits: readonly WaitLane[];
  readonly attempts: Attempts;
  readonly fileOfAttempt: Int32Array;
  /** When the first test of the run began. */
  readonly firstMs: number;
  /** The end of the unzoomed view, which begins at the command's start: the report, or a later test or deadline. */
  readonly endMs: number;
  /** The end of the run itself, without a later deadline that the run did not need. */
  readonly runMs: number;
  readonly marks: readonly { readonly at: number; readonly name: string; readonly kind: 'deadline' | 'drain' | 'end' }[];
}

/**
 * A deadline is drawn only if it is at most this share of the run's length after the run's end. A later one would leave no room for the
 * run.
 */
const DEADLINE_ROOM = 0.35;
const FIRST_HARMLESS = statuses.indexOf('not run');

export function timelineOf(model: Model): Timeline {
  const { attempts, data } = model;
  const members: number[][] = data.lanes.map(() => []);
  let endMs = data.finishedAt;
  for (let attempt = 0; attempt < attempts.count; attempt += 1) {
    if (!ran(attempts, attempt)) continue;
    members[attempts.lane[attempt] ?? -1]?.push(attempt);
    endMs = Math.max(endMs, endOf(attempts, attempt));
  }
  const lanes = members.flatMap((each, lane) => (each.length === 0 ? [] : [laneOf(model, lane, each)]));
  lanes.sort((left, right) => compareNatural(left.agent, right.agent) || compareNatural(left.worker, right.worker));
  const { deadline } = data;
  const runMs = Math.max(1, endMs);
  const marks: Timeline['marks'][number][] =
    data.verdict === 'running' || data.verdict === 'ended' ? [] : [{ at: data.finishedAt, name: 'report', kind: 'end' }];
  if (deadline !== null && deadline.atMs <= endMs * (1 + DEADLINE_ROOM)) {
    const at = deadline.atMs;
    marks.push({ at, name: 'deadline', kind: 'deadline' });
    marks.push({ at: at - deadline.reserveSeconds * 1000, name: 'drain', kind: 'drain' });
    endMs = Math.max(endMs, at);
  }
  const firstMs = Math.min(...lanes.map((lane) => attempts.startedAt[lane.attempts[0] ?? -1] ?? 0), endMs);
  const fileOfAttempt = attempts.row.map((row) => model.file[row] ?? -1);
  return { lanes, waits: waitLanesOf(model), attempts, fileOfAttempt, firstMs, endMs: Math.max(1, endMs), runMs, marks };
}

export const endOf = (attempts: Attempts, attempt: number): number => (attempts.startedAt[attempt] ?? 0) + (attempts.ms[attempt] ?? 0);

function laneOf(model: Model, lane: number, members: number[]): Lane {
  const { attempts } = model;
  members.sort((left, right) => (attempts.startedAt[left] ?? 0) - (attempts.startedAt[right] ?? 0) || left - right);
  const groups: number[] = [];
  let file = -1;
  let busyMs = 0;
  members.forEach((attempt, place) => {
    const own = model.file[attempts.row[attempt] ?? -1] ?? -1;
    if (own !== file) groups.push(place);
    file = own;
    busyMs += attempts.ms[attempt] ?? 0;
  });
  const [agent = '', worker = ''] = model.data.lanes[lane] ?? [];
  return {
    agent,
    worker,
    attempts: Int32Array.from(members),
    groups: Int32Array.from([...groups, members.length]),
    failures: Int32Array.from(members.flatMap((attempt, place) => ((attempts.status[attempt] ?? 0) < FIRST_HARMLESS ? [place] : []))),
    busyMs,
  };
}

const collator = new Intl.Collator('en', { numeric: true });
const compareNatural = (left: string, right: string): number => collator.compare(left, right);

/** Returns the last index whose attempt starts at or before `at`; -1 before the first. */
export function placeAt(lane: Lane, attempts: Attempts, at: number): number {
  let low = 0;
  let high = lane.attempts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((attempts.startedAt[lane.attempts[middle] ?? 0] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Returns the group that an index belongs to: its first index, and the one after its last. */
export function groupAt(lane: Lane, place: number): readonly [from: number, to: number] {
  let low = 0;
  let high = lane.groups.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lane.groups[middle] ?? 0) <= place) low = middle + 1;
    else high = middle;
  }
  return [lane.groups[low - 1] ?? 0, lane.groups[low] ?? 0];
}

/** Returns how many lanes are busy, on average, in each of `columns` equal parts of the run. */
export function utilisation({ lanes, attempts, endMs }: Timeline, columns: number): Float64Array {
  const busy = new Float64Array(columns);
  const perMs = columns / endMs;
  for (const lane of lanes) {
    for (const attempt of lane.attempts) {
      const from = Math.max(0, (attempts.startedAt[attempt] ?? 0) * perMs);
      const to = Math.min(columns, endOf(attempts, attempt) * perMs);
      for (let column = Math.floor(from); column < to; column += 1) {
        busy[column] = (busy[column] ?? 0) + Math.min(to, column + 1) - Math.max(from, column);
      }
    }
  }
  return busy;
}
