// From selectors with estimates to shards in the order in which they are handed out, and how long that will take. Pulling does the balancing.

import { assertNever } from '../../shared/assert-never.ts';
import { shardId } from '../../shared/ids.ts';
import type { EngineName } from '../../shared/run-spec.ts';
import type { Selector, Shard } from '../../shared/shard.ts';

/** A selector and the seconds of one xdist worker that it is taken to need. */
export interface EstimatedSelector {
  readonly selector: Selector;
  readonly seconds: number;
}

export interface PlanInput {
  readonly files: readonly EstimatedSelector[];
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
 * Every selector goes into exactly one shard. Shards are pulled longest first (Graham 1969: LPT is at most 4/3 − 1/(3m) of the best makespan).
 *
 * Process engine: sizes shrink (guided self-scheduling, Polychronopoulos & Kuck 1987): each shard gets a fraction of what remains, so the fixed
 * cost is paid about four times an agent and the end is still even. Stream engine: a shard is a file, and only tiny files share one.
 * Equal estimates keep the order given, which is discovery's.
 */
export function planShards(input: PlanInput): Plan {
  const agents = Math.max(1, input.agents);
  const workers = Math.max(1, input.slotsPerAgent);
  const longestFirst = input.files
    .map(({ selector, seconds }) => ({ selector, seconds: Math.max(seconds, LEAST_SECONDS) }))
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

function shrinkingGroups(files: readonly EstimatedSelector[], agents: number, fixedWorkerSeconds: number): EstimatedSelector[][] {
  const total = sumSeconds(files);
  const evenShare = total / agents;
  const least = Math.max(evenShare / SMALLEST_DIVISOR, FIXED_COST_MULTIPLE * fixedWorkerSeconds);
  const groups: EstimatedSelector[][] = [];
  let remaining = total;
  let index = 0;
  while (index < files.length) {
    const target = Math.min(evenShare, Math.max(remaining / agents / GUIDED_DIVISOR, least));
    const group: EstimatedSelector[] = [];
    let seconds = 0;
    for (let file = files[index]; file !== undefined; file = files[index]) {
      // Rounds to the nearer side of the target; a first file is always taken, however long.
      if (group.length > 0 && seconds + file.seconds / 2 > target) break;
      group.push(file);
      seconds += file.seconds;
      index += 1;
    }
    groups.push(group);
    remaining -= seconds;
  }
  return groups;
}

/** Files are batched up to this many fixed costs … */
const BATCH_FIXED_MULTIPLE = 20;
/** … but a batch is never more than this part of one xdist worker's even share. */
const BATCH_SHARE_DIVISOR = 20;

function fileGroups(files: readonly EstimatedSelector[], slots: number, fixedSeconds: number): EstimatedSelector[][] {
  const batchSeconds = Math.min(BATCH_FIXED_MULTIPLE * fixedSeconds, sumSeconds(files) / slots / BATCH_SHARE_DIVISOR);
  const groups: EstimatedSelector[][] = [];
  let group: EstimatedSelector[] = [];
  let seconds = 0;
  for (const file of files) {
    if (group.length > 0 && seconds + file.seconds > batchSeconds) {
      groups.push(group);
      group = [];
      seconds = 0;
    }
    group.push(file);
    seconds += file.seconds;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function toPlan(groups: readonly EstimatedSelector[][], machines: number, shardSeconds: (seconds: number) => number): Plan {
  const shards = groups
    .map((files) => ({ selectors: files.map((file) => file.selector), predictedSeconds: sumSeconds(files) }))
    .sort((left, right) => right.predictedSeconds - left.predictedSeconds)
    .map((shard, index) => ({ id: shardId(index + 1), ...shard }));
  const durations = shards.map((shard) => shardSeconds(shard.predictedSeconds));
  return { shards, predictedMakespanSeconds: pullingMakespan(durations, machines) };
}

/** How long `machines` that each pull the next shard when free need for shards of these durations, in this order. */
function pullingMakespan(durations: readonly number[], machines: number): number {
  const freeAt = new Array<number>(Math.min(machines, durations.length)).fill(0);
  for (const duration of durations) {
    let first = 0;
    for (let machine = 1; machine < freeAt.length; machine += 1) {
      if ((freeAt[machine] ?? 0) < (freeAt[first] ?? 0)) first = machine;
    }
    freeAt[first] = (freeAt[first] ?? 0) + duration;
  }
  return freeAt.reduce((longest, at) => Math.max(longest, at), 0);
}

const sumSeconds = (files: readonly EstimatedSelector[]): number => files.reduce((sum, file) => sum + file.seconds, 0);
