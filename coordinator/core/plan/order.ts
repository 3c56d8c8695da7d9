// In which order shards are handed out, and what a shard is worth when there is no time for all of them.

import { assertNever } from '../../../shared/assert-never.ts';
import type { TestFile } from '../../../shared/domain/ids.ts';
import type { Order } from '../../../shared/domain/order.ts';
import type { Shard } from '../../../shared/domain/shard.ts';
import type { FileTiming, Timings } from '../../../shared/domain/timings.ts';

/** A test that never failed while anybody looked may fail now: the more tests a file has, the likelier one of them does. */
const BASE_CHANCE = 0.001;
/** A file that nobody has seen run. */
const NEW_CHANCE = 0.05;
/** A file that was changed since the base, or whose conftest.py was. */
const CHANGED_CHANCE = 0.5;

/**
 * The chance that at least one test of each file fails: 1 − Π(1 − pₜ) over its tests, taken to be independent. pₜ is the test's history as
 * failure-history.ts keeps it (Kim & Porter 2002); a changed file is worth looking at whatever its history says.
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

function chanceOf({ tests, failing }: FileTiming): number {
  let allPass = 1;
  for (const id of new Set([...tests.keys(), ...failing.keys()])) allPass *= 1 - Math.max(BASE_CHANCE, failing.get(id) ?? 0);
  return 1 - allPass;
}

function isChanged(file: TestFile, changed: ReadonlySet<TestFile>): boolean {
  if (changed.size === 0) return false;
  const parts = file.split('/').slice(0, -1);
  const above = parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/conftest.py`);
  return [file, 'conftest.py', ...above].some((path) => changed.has(path as TestFile));
}

/** The same for all that a shard holds. */
export function shardChance(shard: Shard, chances: ReadonlyMap<TestFile, number>): number {
  const files = new Set(shard.selectors.map(({ file }) => file));
  return 1 - [...files].reduce((allPass, file) => allPass * (1 - (chances.get(file) ?? NEW_CHANCE)), 1);
}

/** What decides a shard's place: `chance` that it fails, and the seconds it takes. */
export interface Weighed {
  readonly chance: number;
  readonly seconds: number;
}

/**
 * Sorts `items`, which come longest first, for an order; equals keep their places. `value`: most chance of a failure per second first. That order finds each failure as
 * early as can be on average (Smith 1956: weight ÷ length minimises the weighted sum of completion times; Elbaum, Malishevsky & Rothermel 2001
 * weigh detected faults against test cost in the same way), and what is left out when time is up is what was worth least.
 */
export function inOrder<Item>(items: readonly Item[], order: Order, weigh: (item: Item) => Weighed): readonly Item[] {
  const weighed = items.map((item) => ({ item, ...weigh(item) }));
  return weighed.sort((left, right) => compare(order, left, right)).map(({ item }) => item);
}

function compare(order: Order, left: Weighed, right: Weighed): number {
  switch (order) {
    case 'longest':
      // As it was planned.
      return 0;
    case 'failed-first':
      return Number(hasFailed(right)) - Number(hasFailed(left));
    case 'value':
      return worth(right) - worth(left);
    default:
      return assertNever(order);
  }
}

/** Likelier than what nobody has seen. */
const hasFailed = ({ chance }: Weighed): boolean => chance > NEW_CHANCE;

/** Chance of a failure per second. */
const worth = ({ chance, seconds }: Weighed): number => chance / Math.max(seconds, 0.001);
