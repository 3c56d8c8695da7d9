// A generated suite while it is being written. Parts add to it, and `generate.ts` turns it into files.

import type { Random } from '../../chaos/random.ts';
import type { Plugin } from '../plugins.ts';
import type { Aspect, GivenSuite, WayGroup } from '../suite.ts';

export interface Draft {
  readonly random: Random;
  /** Path → text. */
  readonly files: Map<string, string>;
  /** The text of each folder's conftest.py, in pieces. `.` is the root. */
  readonly conftests: Map<string, string[]>;
  /** Folders that have test modules. */
  readonly folders: string[];
  readonly ini: Map<string, string>;
  readonly markers: Set<string>;
  readonly args: string[];
  readonly targets: string[];
  readonly plugins: Set<Plugin>;
  readonly ignore: string[];
  readonly reads: NonNullable<GivenSuite['reads']>[number][];
  readonly differs: { aspects: Aspect[]; in: WayGroup[]; why: string }[];
  /** The names of its parts, for the title. */
  readonly parts: string[];
  /** A number that no other part has. */
  next(): number;
}

export function newDraft(random: Random): Draft {
  let last = 0;
  return {
    random,
    files: new Map(),
    conftests: new Map(),
    folders: [],
    ini: new Map(),
    markers: new Set(),
    args: [],
    targets: [],
    plugins: new Set(),
    ignore: [],
    reads: [],
    differs: [],
    parts: [],
    next: () => {
      last += 1;
      return last;
    },
  };
}

/** A part of a suite: its name, how often it is chosen compared with other parts, and what it adds. */
export interface Part<Added> {
  readonly name: string;
  readonly weight: number;
  readonly add: (draft: Draft) => Added;
}

/** Chooses one of the parts that the suite does not have yet. */
export const chooseNew = <Added>(draft: Draft, parts: readonly Part<Added>[]): Part<Added> =>
  choose(
    draft,
    parts.filter(({ name }) => !draft.parts.includes(name)),
  );

/** Chooses one of the parts by weight, and notes its name. */
export function choose<Added>(draft: Draft, parts: readonly Part<Added>[]): Part<Added> {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  let at = draft.random.between(0, total);
  for (const part of parts) {
    at -= part.weight;
    if (at < 0) {
      draft.parts.push(part.name);
      return part;
    }
  }
  throw new Error('no part to choose from');
}

export const chance = ({ random }: Draft, of: number): boolean => random.between(0, 1) < of;

/** A whole number from `least` to `most`. */
export const between = ({ random }: Draft, least: number, most: number): number => Math.floor(random.between(least, most + 1));

/** `count` of these items, each at most once, in their order. */
export function sample<Item>(draft: Draft, items: readonly Item[], count: number): Item[] {
  const left = [...items.keys()];
  while (left.length > count) left.splice(between(draft, 0, left.length - 1), 1);
  return left.flatMap((index) => items[index] ?? []);
}

/** A Python literal. */
export const literal = (text: string): string => JSON.stringify(text);

export function addToConftest(draft: Draft, folder: string, code: string): void {
  draft.conftests.set(folder, [...(draft.conftests.get(folder) ?? []), code]);
}

/** A documented difference of outcomes that depend on which worker runs which test. */
export const differsBy = (why: string, ...groups: WayGroup[]): Draft['differs'][number] => ({
  aspects: ['outcomes', 'counts', 'junit', 'exit', 'cache', 'warnings'],
  in: groups,
  why,
});
