// Forecasts when a run will finish at its present speed, and what would make it meet its deadline.

import type { TestFile } from '../../../shared/domain/ids.ts';
import { limitOf, NO_NEEDS } from '../../../shared/domain/needs.ts';
import { deadlineTimes } from '../state/deadline.ts';
import type { Forecast, Remedy } from '../state/events.ts';
import type { RunState } from '../state/run-state.ts';
import { paceOf, type Slots, slotsOf, type Unit, unitsLeft } from './pace.ts';

/** Work that stays together on one slot. `files` are its unfinished files. */
export interface Piece {
  readonly files: readonly TestFile[];
  readonly seconds: number;
}

export interface Workforce {
  /** xdist workers of all agents. */
  readonly workers: number;
  readonly agents: number;
  /** How many xdist workers share one piece; 1 if each piece goes to one xdist worker. */
  readonly workersPerPiece: number;
}

/** What more xdist workers do not shorten. */
interface Limits {
  readonly aloneSeconds?: number;
  readonly heldSeconds?: number;
}

/** null if no forecast is possible: no agent is alive, or nothing is left. */
export function forecast(state: RunState): Forecast | null {
  const slots = slotsOf(state);
  const units = unitsLeft(state, paceOf(state));
  if (slots.agents === 0 || units.length === 0) return null;
  const limit = secondsToDrain(state);
  // Only a remedy names files.
  const pieces = units.map(({ record, seconds }) => ({ seconds, files: limit === null ? [] : unsettledFiles(record.files) }));
  return judge(pieces, workforceOf(slots), limit, {
    aloneSeconds: aloneSecondsOf(units),
    heldSeconds: heldSecondsOf(state, units),
  });
}

/** True if these units, at this many slots, end after the drain begins. Costs less than a whole forecast. */
export function isLate(state: RunState, slots: Slots, units: readonly Unit[]): boolean {
  const limit = secondsToDrain(state);
  return limit !== null && Math.max(secondsFor(units, workforceOf(slots), aloneSecondsOf(units)), heldSecondsOf(state, units)) > limit;
}

const workforceOf = ({ workers, shards, agents }: Slots): Workforce => ({ workers, agents, workersPerPiece: workers / shards });

const aloneSecondsOf = (units: readonly Unit[]): number => units.reduce((sum, unit) => sum + (unit.isSerial ? unit.seconds : 0), 0);

/** How long the scarcest resource is in use if all of its units always are. */
function heldSecondsOf({ opened }: RunState, units: readonly Unit[]): number {
  const inUse = new Map<string, number>();
  for (const { record, seconds } of units)
    for (const need of (record.shard.needs ?? NO_NEEDS).resources) inUse.set(need.name, (inUse.get(need.name) ?? 0) + seconds * need.units);
  return Math.max(0, ...[...inUse].map(([name, seconds]) => seconds / limitOf(opened.resources, name)));
}

/** Seconds until the drain begins; null without a deadline. */
function secondsToDrain(state: RunState): number | null {
  const times = deadlineTimes(state.opened);
  return times === null ? null : (times.drainAt - state.coordinatorAt) / 1000;
}

/**
 * Estimates the time for these pieces, given in seconds of one xdist worker. The estimate assumes an even spread, but at least the longest
 * piece; `aloneSeconds` run one after the other at the end (Graham 1969: the two lower bounds of any schedule). Pieces that share a resource
 * take at least `heldSeconds`. `availableSeconds` is null without a limit.
 */
export function judge(
  pieces: readonly Piece[],
  force: Workforce,
  availableSeconds: number | null,
  { aloneSeconds = 0, heldSeconds = 0 }: Limits = {},
): Forecast {
  const secondsLeft = Math.max(secondsFor(pieces, force, aloneSeconds), heldSeconds);
  if (availableSeconds === null) return { secondsLeft, lateSeconds: null, remedy: null };
  const lateSeconds = Math.max(0, secondsLeft - availableSeconds);
  return {
    secondsLeft,
    lateSeconds,
    remedy: lateSeconds === 0 ? null : remedyFor(pieces, force, availableSeconds, { aloneSeconds, heldSeconds }),
  };
}

function secondsFor(pieces: readonly Pick<Piece, 'seconds'>[], force: Workforce, aloneSeconds: number): number {
  const all = pieces.reduce((sum, { seconds }) => sum + seconds, 0);
  const longest = pieces.reduce((most, { seconds }) => Math.max(most, seconds), 0);
  return leastSeconds(all, longest, force, aloneSeconds);
}

const leastSeconds = (all: number, longest: number, { workers, workersPerPiece }: Workforce, aloneSeconds: number): number =>
  Math.max((all - aloneSeconds) / workers, longest / workersPerPiece) + aloneSeconds;

/** Most files that a remedy names; a longer list is not useful. */
const NAMED = 3;

function remedyFor(
  pieces: readonly Piece[],
  force: Workforce,
  availableSeconds: number,
  { aloneSeconds, heldSeconds }: Required<Limits>,
): Remedy {
  const workersPerAgent = force.workers / force.agents;
  const limit = availableSeconds - aloneSeconds;
  const longest = pieces.reduce((most, { seconds }) => Math.max(most, seconds), 0);
  const all = pieces.reduce((sum, { seconds }) => sum + seconds, 0) - aloneSeconds;
  const canMore = limit > 0 && longest / force.workersPerPiece <= limit && heldSeconds <= availableSeconds;
  const agents = canMore ? Math.max(1, Math.ceil((all / limit - force.workers) / workersPerAgent)) : null;
  const longestFirst = pieces.toSorted((left, right) => right.seconds - left.seconds);
  const out = leftOut(longestFirst, force, availableSeconds, aloneSeconds);
  // Leaving out everything is no remedy.
  const files = out === pieces.length ? [] : longestFirst.slice(0, out).flatMap((piece) => piece.files);
  return { agents, workersPerAgent, leaveOut: { files: files.length, named: files.slice(0, NAMED) } };
}

/** How many of the longest pieces to leave out: the shortest ones are kept, one after the other, while they can all be done in time. */
function leftOut(longestFirst: readonly Piece[], force: Workforce, availableSeconds: number, aloneSeconds: number): number {
  let out = longestFirst.length;
  let keptSeconds = 0;
  for (const { seconds } of longestFirst.toReversed()) {
    keptSeconds += seconds;
    if (leastSeconds(keptSeconds, seconds, force, aloneSeconds) > availableSeconds) break;
    out -= 1;
  }
  return out;
}

const unsettledFiles = (files: ReadonlyMap<TestFile, { readonly openTests: number; readonly collectSeconds: number | null }>): TestFile[] =>
  [...files].flatMap(([file, { openTests, collectSeconds }]) => (openTests > 0 || collectSeconds === null ? [file] : []));

/** Interval of recorded forecasts in ms: this part of the deadline, else of the run's age, within these bounds. */
const EVERY = { partOfDeadline: 0.02, partOfAge: 0.1, least: 1000, most: 5000 } as const;

/** The forecast if one is due; null if none is due or possible. */
export function dueForecast(state: RunState): Forecast | null {
  const { opened, forecastAt, coordinatorAt, closed } = state;
  const everyMs =
    opened.deadline === null ? (coordinatorAt - opened.at) * EVERY.partOfAge : opened.deadline.seconds * 1000 * EVERY.partOfDeadline;
  const isDue = forecastAt === null || coordinatorAt - forecastAt >= Math.min(Math.max(everyMs, EVERY.least), EVERY.most);
  return closed === null && isDue ? forecast(state) : null;
}
