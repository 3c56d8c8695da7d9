// Which tests are never separated: what `--dist` promises, and files that marks or the configuration bind to each other.
// How files are divided is split.ts's, how shards are made plan.ts's.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import type { EstimatedUnit } from './plan.ts';

/** What a file may be divided into: single tests, scopes (a class, or the functions of the module, as `--dist loadscope` has it), or nothing. */
export const unitKinds = ['test', 'scope', 'file'] as const;

export interface Affinity {
  readonly unit: (typeof unitKinds)[number];
  /** Files that are one unit, each with the others of its set; no file is in two sets. A set of one is a file that stays whole. */
  readonly together: readonly (readonly TestFile[])[];
}

export const NO_AFFINITY: Affinity = { unit: 'test', together: [] };

/**
 * `dist` is pytest-xdist's option, in its words. `bonds` are sets of files that belong together; where two of them share a file they are one
 * (`loadgroup`: the files of each group).
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

/** Makes one unit of the units of files that belong together, at the place of the first; others come back as they are. */
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

/** The scope that a test belongs to: its outermost class, else its file, which stands for all functions of the module. */
export function scopeOf(nodeid: NodeId): string {
  const [file = '', ...names] = (nodeid.split('[', 1)[0] ?? '').split('::');
  return names.length > 1 ? `${file}::${names[0]}` : file;
}
