// Defines the order in which shards are handed out, and a shard's value when time is short.

import { assertNever } from '../../../shared/assert-never.ts';
import type { ShardId, TestFile } from '../../../shared/domain/ids.ts';
import type { Order, Shard } from '../../../shared/domain/shard.ts';
import type { FileTiming, Timings } from '../../../shared/domain/suite/timings.ts';
import { chanceOfFailure } from './failure-chance.ts';

/** Even a test without recorded failures may fail now: the more tests a file has, the likelier one of them fails. */
const BASE_CHANCE = 0.001;
/** Chance for a file without history. */
const NEW_CHANCE = 0.05;
/** Chance for a file that changed since the base, or whose conftest.py did. */
const CHANGED_CHANCE = 0.5;

/**
 * The chance that at least one test of each file fails: 1 − Π(1 − pₜ) over its tests, assumed independent. failure-chance.ts estimates pₜ
 * (Kim & Porter 2002). A changed file gets a high chance whatever its history.
 */
export function failureChances(
  files: readonly TestFile[],
  timings: Timings,
  changed: ReadonlySet<TestFile>,
): ReadonlyMap<TestFile, number> {
  return new Map(
    files.map((file) => {
      const timing = timings.get(file);
      const chance = timing === undefined ? NEW_CHANCE : chanceOf(timing);
      return [file, isChanged(file, changed) ? Math.max(chance, CHANGED_CHANCE) : chance];
    }),
  );
}

function chanceOf({ tests, lastRuns }: FileTiming): number {
  let allPass = 1;
  for (const id of new Set([...tests.keys(), ...lastRuns.keys()])) {
    allPass *= 1 - Math.max(BASE_CHANCE, chanceOfFailure(lastRuns.get(id) ?? ''));
  }
  return 1 - allPass;
}

function isChanged(file: TestFile, changed: ReadonlySet<TestFile>): boolean {
  if (changed.size === 0) return false;
  const parts = file.split('/').slice(0, -1);
  const above = parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/conftest.py`);
  return [file, 'conftest.py', ...above].some((path) => changed.has(path as TestFile));
}

/** The chance that at least one test of the shard fails. */
export function shardChance(shard: Shard, chances: ReadonlyMap<TestFile, number>): number {
  const files = new Set(shard.selectors.map(({ file }) => file));
  return 1 - [...files].reduce((allPass, file) => allPass * (1 - (chances.get(file) ?? NEW_CHANCE)), 1);
}

/** The values that decide a shard's place: the `chance` that it fails, and its seconds. */
export interface Weighed {
  readonly chance: number;
  readonly seconds: number;
}

/**
 * Sorts `items`, which arrive longest first; equal items keep their places. `value` puts the highest chance of a failure per second first.
 * That order finds each failure as early as possible on average (Smith 1956: weight ÷ length minimises the weighted sum of completion
 * times; Elbaum, Malishevsky & Rothermel 2001 weigh detected faults against test cost in the same way), and the work left out when time is
 * up has the least value.
 */
export function inOrder<Item>(items: readonly Item[], order: Order, weigh: (item: Item) => Weighed): readonly Item[] {
  const weighed = items.map((item) => ({ item, ...weigh(item) }));
  return weighed.sort((left, right) => compare(order, left, right)).map(({ item }) => item);
}

/** Returns the shards, which arrive longest first, in the requested order, with the failure chances that decide it. */
export function orderShards(
  shards: readonly Shard[],
  order: Order,
  chances: ReadonlyMap<TestFile, number>,
): { readonly shards: readonly Shard[]; readonly failureChances: Readonly<Record<ShardId, number>> } {
  const weighed = shards.map((shard) => ({ shard, chance: shardChance(shard, chances), seconds: shard.predictedSeconds }));
  return {
    shards: inOrder(weighed, order, (each) => each).map(({ shard }) => shard),
    failureChances: Object.fromEntries(weighed.map(({ shard, chance }) => [shard.id, chance])),
  };
}

function compare(order: Order, left: Weighed, right: Weighed): number {
  switch (order) {
    case 'longest':
      // Keep the planned order.
      return 0;
    case 'failed-first':
      return Number(hasFailed(right)) - Number(hasFailed(left));
    case 'value':
      return worth(right) - worth(left);
    default:
      return assertNever(order);
  }
}

/** True if a failure is likelier than in a file without history. */
const hasFailed = ({ chance }: Weighed): boolean => chance > NEW_CHANCE;

/** The chance of a failure per second. */
const worth = ({ chance, seconds }: Weighed): number => chance / Math.max(seconds, 0.001);
