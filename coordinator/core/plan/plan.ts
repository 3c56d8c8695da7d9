// Turns units with estimates into shards in the order in which they are handed out, and predicts the makespan. Agents pull shards, which
// balances the load.

import { shardId } from '../../../shared/domain/ids.ts';
import type { Needs } from '../../../shared/domain/needs.ts';
import type { Selector, Shard } from '../../../shared/domain/shard.ts';
import { pull } from './list-schedule.ts';

/** Cost of one shard besides its tests, in seconds: a trip through the queue. */
export const FIXED_SECONDS = 0.005;

/** Selectors that stay in one shard (usually one), and their estimate in seconds of one xdist worker. */
export interface EstimatedUnit {
  readonly selectors: readonly Selector[];
  readonly seconds: number;
  /** Absent if its tests need nothing. */
  readonly needs?: Needs | undefined;
}

export interface PlanInput {
  readonly units: readonly EstimatedUnit[];
  /** xdist workers of all expected agents; each runs one shard at a time. */
  readonly slots: number;
  /** Cost of one shard besides its tests, in seconds: a trip through the queue. */
  readonly fixedSeconds: number;
}

export interface Plan {
  /** Longest first, `s1`, `s2`, … */
  readonly shards: readonly Shard[];
  /** Seconds from the first shard enqueued to the last result, if the estimates were exact and every agent present from the start. */
  readonly predictedMakespanSeconds: number;
}

/** No unit takes zero time. This keeps files that measured 0 s from all ending up in one shard. */
const LEAST_SECONDS = 0.001;

/**
 * Puts every unit into exactly one shard, longest first (Graham 1969: LPT is at most 4/3 − 1/(3m) of the best makespan). A shard is one
 * unit, usually a file; only tiny units share a shard. Equal estimates keep the given order, which is discovery's.
 */
export function planShards(input: PlanInput): Plan {
  const slots = Math.max(1, input.slots);
  const longestFirst = input.units
    .map((unit) => ({ ...unit, seconds: Math.max(unit.seconds, LEAST_SECONDS) }))
    .sort((left, right) => right.seconds - left.seconds);
  const groups = fileGroups(longestFirst, slots, input.fixedSeconds);
  return toPlan(groups, slots, (seconds) => input.fixedSeconds + seconds);
}

/** Units are batched up to this many fixed costs … */
const BATCH_FIXED_MULTIPLE = 20;
/** … but a batch never exceeds this part of one xdist worker's even share. */
const BATCH_SHARE_DIVISOR = 20;

function fileGroups(units: readonly EstimatedUnit[], slots: number, fixedSeconds: number): EstimatedUnit[][] {
  const batchSeconds = Math.min(BATCH_FIXED_MULTIPLE * fixedSeconds, sumSeconds(units) / slots / BATCH_SHARE_DIVISOR);
  const groups: EstimatedUnit[][] = [];
  let group: EstimatedUnit[] = [];
  let seconds = 0;
  for (const unit of units) {
    // A shard cannot keep two parts of one file apart, so each part gets its own shard. So does a unit with needs: the shard holds what
    // one of its tests needs for as long as it runs.
    const isPart = unit.needs !== undefined || unit.selectors.some(({ kind }) => kind === 'part');
    if (group.length > 0 && (isPart || seconds + unit.seconds > batchSeconds)) {
      groups.push(group);
      group = [];
      seconds = 0;
    }
    group.push(unit);
    seconds += isPart ? Number.POSITIVE_INFINITY : unit.seconds;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function toPlan(groups: readonly EstimatedUnit[][], machines: number, shardSeconds: (seconds: number) => number): Plan {
  const shards = groups
    .map((units) => {
      const needs = units[0]?.needs;
      const shard = { selectors: units.flatMap(({ selectors }) => selectors), predictedSeconds: sumSeconds(units) };
      return needs === undefined ? shard : { ...shard, needs };
    })
    .sort((left, right) => right.predictedSeconds - left.predictedSeconds)
    .map((shard, index) => ({ id: shardId(index + 1), ...shard }));
  const durations = shards.map((shard) => shardSeconds(shard.predictedSeconds));
  return { shards, predictedMakespanSeconds: pull(durations, machines).makespanSeconds };
}

const sumSeconds = (units: readonly EstimatedUnit[]): number => units.reduce((sum, unit) => sum + unit.seconds, 0);
