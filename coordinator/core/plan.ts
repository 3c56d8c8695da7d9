// From units with estimates to shards in the order in which they are handed out, and how long that will take. Pulling does the balancing.

import { assertNever } from '../../shared/assert-never.ts';
import { shardId } from '../../shared/ids.ts';
import type { EngineName } from '../../shared/run-spec.ts';
import type { Selector, Shard } from '../../shared/shard.ts';
import { pull } from './pull.ts';

/** Selectors that stay in one shard (mostly one), and the seconds of one xdist worker that they are taken to need. */
export interface EstimatedUnit {
  readonly selectors: readonly Selector[];
  readonly seconds: number;
}

export interface PlanInput {
  readonly units: readonly EstimatedUnit[];
  /** Agents expected; 0 (none known yet) plans for one. */
  readonly agents: number;
  /** xdist workers of one agent. The stream engine runs a shard on each; the process engine spreads one shard over all of them. */
  readonly slotsPerAgent: number;
  readonly engine: EngineName;
  /** What one shard costs besides its tests: a pytest start (process), a trip through the queue (stream). */
  readonly fixedSeconds: number;
}

export interface Plan {
  /** Longest first, `s1`, `s2`, … */
  readonly shards: readonly Shard[];
  /** From the first shard enqueued to the last result, if the estimates were exact and every agent there from the start. */
  readonly predictedMakespanSeconds: number;
}

/**
 * Every unit goes into exactly one shard. Shards are pulled longest first (Graham 1969: LPT is at most 4/3 − 1/(3m) of the best makespan).
 *
 * Process engine: sizes shrink (guided self-scheduling, Polychronopoulos & Kuck 1987): each shard gets a fraction of what remains, so the fixed
 * cost is paid about four times an agent and the end is still even. Stream engine: a shard is a unit, mostly a file, and only tiny ones share one.
 * Equal estimates keep the order given, which is discovery's.
 */
export function planShards(input: PlanInput): Plan {
  const agents = Math.max(1, input.agents);
  const workers = Math.max(1, input.slotsPerAgent);
  const longestFirst = input.units
    .map(({ selectors, seconds }) => ({ selectors, seconds: Math.max(seconds, LEAST_SECONDS) }))
    .sort((left, right) => right.seconds - left.seconds);

  switch (input.engine) {
    case 'process': {
      const groups = shrinkingGroups(longestFirst, agents, workers * input.fixedSeconds);
      return toPlan(groups, agents, (seconds) => input.fixedSeconds + seconds / workers);
    }
    case 'stream': {
      const groups = fileGroups(longestFirst, agents * workers, input.fixedSeconds);
      return toPlan(groups, agents * workers, (seconds) => input.fixedSeconds + seconds);
    }
    default:
      return assertNever(input.engine);
  }
}

/** Nothing takes no time: keeps files that were measured as 0 s from all landing in one shard. */
const LEAST_SECONDS = 0.001;
/** A process shard gets 1/2 of an agent's even share of what remains … */
const GUIDED_DIVISOR = 2;
/** … but not less than 1/6 of an agent's even share of everything: about 4 shards an agent in all … */
const SMALLEST_DIVISOR = 6;
/** … and not so little that its fixed cost is more than a quarter of it, as long as every agent gets a shard. */
const FIXED_COST_MULTIPLE = 3;

function shrinkingGroups(units: readonly EstimatedUnit[], agents: number, fixedWorkerSeconds: number): EstimatedUnit[][] {
  const total = sumSeconds(units);
  const evenShare = total / agents;
  const least = Math.max(evenShare / SMALLEST_DIVISOR, FIXED_COST_MULTIPLE * fixedWorkerSeconds);
  const groups: EstimatedUnit[][] = [];
  let remaining = total;
  let index = 0;
  while (index < units.length) {
    const target = Math.min(evenShare, Math.max(remaining / agents / GUIDED_DIVISOR, least));
    const group: EstimatedUnit[] = [];
    let seconds = 0;
    for (let unit = units[index]; unit !== undefined; unit = units[index]) {
      // Rounds to the nearer side of the target; a first unit is always taken, however long.
      if (group.length > 0 && seconds + unit.seconds / 2 > target) break;
      group.push(unit);
      seconds += unit.seconds;
      index += 1;
    }
    groups.push(group);
    remaining -= seconds;
  }
  return groups;
}

/** Units are batched up to this many fixed costs … */
const BATCH_FIXED_MULTIPLE = 20;
/** … but a batch is never more than this part of one xdist worker's even share. */
const BATCH_SHARE_DIVISOR = 20;

function fileGroups(units: readonly EstimatedUnit[], slots: number, fixedSeconds: number): EstimatedUnit[][] {
  const batchSeconds = Math.min(BATCH_FIXED_MULTIPLE * fixedSeconds, sumSeconds(units) / slots / BATCH_SHARE_DIVISOR);
  const groups: EstimatedUnit[][] = [];
  let group: EstimatedUnit[] = [];
  let seconds = 0;
  for (const unit of units) {
    // Parts of one file in one shard would be told apart by nobody.
    const isPart = unit.selectors.some(({ kind }) => kind === 'part');
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
    .map((units) => ({ selectors: units.flatMap(({ selectors }) => selectors), predictedSeconds: sumSeconds(units) }))
    .sort((left, right) => right.predictedSeconds - left.predictedSeconds)
    .map((shard, index) => ({ id: shardId(index + 1), ...shard }));
  const durations = shards.map((shard) => shardSeconds(shard.predictedSeconds));
  return { shards, predictedMakespanSeconds: pull(durations, machines).makespanSeconds };
}

const sumSeconds = (units: readonly EstimatedUnit[]): number => units.reduce((sum, unit) => sum + unit.seconds, 0);
