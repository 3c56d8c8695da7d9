// Defines which tests are never separated: by `--dist`, and by marks or configuration that bind files together. split.ts divides files,
// plan.ts builds shards.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import type { EstimatedUnit } from './plan.ts';

/** The smallest pieces of a file: single tests, scopes (a class or the module's functions, as in `--dist loadscope`), or the whole file. */
export const unitKinds = ['test', 'scope', 'file'] as const;

export interface Affinity {
  readonly unit: (typeof unitKinds)[number];
  /** Sets of files that form one unit each; no file is in two sets. A set of one file stays whole. */
  readonly together: readonly (readonly TestFile[])[];
}

export const NO_AFFINITY: Affinity = { unit: 'test', together: [] };

/**
 * Builds the affinity from pytest-xdist's `--dist` option and from `bonds`, sets of files that belong together (`loadgroup`: the files of
 * each group). Sets that share a file are merged.
 */
export function affinityOf(dist: string, bonds: readonly (readonly TestFile[])[]): Affinity {
  const unit = dist === 'loadfile' ? 'file' : dist === 'loadscope' ? 'scope' : 'test';
  const setOf = new Map<TestFile, Set<TestFile>>();
  for (const bond of bonds) {
    const united = new Set(bond.flatMap((file) => [...(setOf.get(file) ?? [file])]));
    for (const file of united) setOf.set(file, united);
  }
  return { unit, together: [...new Set(setOf.values())].map((set) => [...set]) };
}

/** Merges the units of files that belong together, at the place of the first; returns other units unchanged. */
export function unite(units: readonly EstimatedUnit[], { together }: Affinity): readonly EstimatedUnit[] {
  const setOf = new Map(together.flatMap((set) => set.map((file) => [file, set] as const)));
  const united = Map.groupBy(units, (unit) => {
    const [selector] = unit.selectors;
    return (selector === undefined ? undefined : setOf.get(selector.file)) ?? unit;
  });
  return [...united.values()].map((bound) => ({
    selectors: bound.flatMap(({ selectors }) => selectors),
    seconds: bound.reduce((sum, { seconds }) => sum + seconds, 0),
  }));
}

/** The test's scope: its outermost class, or its file for the module's functions. */
export function scopeOf(nodeid: NodeId): string {
  const [file = '', ...names] = (nodeid.split('[', 1)[0] ?? '').split('::');
  return names.length > 1 ? `${file}::${names[0]}` : file;
}
