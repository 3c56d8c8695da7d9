// What tests need of an agent and of the fleet: labels that their agent must have, and resources that only some tests may use at once.

import type { NodeId } from './ids.ts';

/** Units of a resource that a shard holds while one of its attempts runs. */
export interface ResourceNeed {
  readonly name: string;
  readonly units: number;
}

/** Sorted, and each name once. */
export interface Needs {
  readonly labels: readonly string[];
  readonly resources: readonly ResourceNeed[];
}

/** What one test needs. */
export interface TestNeeds {
  readonly nodeid: NodeId;
  readonly needs: Needs;
}

/**
 * Limits of every message and file that carries needs. `nameChars` counts UTF-16 units, `names` the labels, and apart from them the resources,
 * of one test or shard. The plugin rejects a mark beyond them: see `LONGEST_NAME` in shardline_pytest/needs.py.
 */
export const NEEDS_LIMITS = { nameChars: 200, names: 50, units: 1_000_000 } as const;

/** How many units of each resource the fleet has. A resource that is not listed has one. */
export type ResourceLimits = Readonly<Record<string, number>>;

export const NO_NEEDS: Needs = { labels: [], resources: [] };

export const isNone = ({ labels, resources }: Needs): boolean => labels.length === 0 && resources.length === 0;

/** Everything that any of them needs. A resource that several need is held once, in the largest number of units. */
export function allNeeds(...all: readonly Needs[]): Needs {
  const labels = new Set(all.flatMap((needs) => needs.labels));
  const units = new Map<string, number>();
  for (const { resources } of all) for (const need of resources) units.set(need.name, Math.max(need.units, units.get(need.name) ?? 0));
  if (labels.size === 0 && units.size === 0) return NO_NEEDS;
  return {
    labels: [...labels].sort(),
    resources: [...units].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, count]) => ({ name, units: count })),
  };
}

/**
 * What a shard needs whose tests need all of these. Keeps at most one name beyond the limit: that is enough for `excessNames` to notice, so that
 * the shard is given up, and the record of the run stays readable.
 */
export function shardNeeds(...all: readonly Needs[]): Needs {
  const needs = allNeeds(...all);
  const { labels, resources } = needs;
  const most = NEEDS_LIMITS.names + 1;
  return labels.length <= most && resources.length <= most ? needs : { labels: labels.slice(0, most), resources: resources.slice(0, most) };
}

/** Which names are more than a shard can have; null if there are not too many. */
export function excessNames({ labels, resources }: Needs): 'labels' | 'resources' | null {
  if (labels.length > NEEDS_LIMITS.names) return 'labels';
  return resources.length > NEEDS_LIMITS.names ? 'resources' : null;
}

/** True if who has `own` may run a test that needs `wanted`. */
export function covers(own: Needs, wanted: Needs): boolean {
  if (!hasLabels(own.labels, wanted.labels)) return false;
  return wanted.resources.every(({ name, units }) => own.resources.some((held) => held.name === name && held.units >= units));
}

export const hasLabels = (own: readonly string[], wanted: readonly string[]): boolean => wanted.every((label) => own.includes(label));

/** Equal for equal needs. */
export const needsKey = ({ labels, resources }: Needs): string =>
  JSON.stringify([labels, resources.map(({ name, units }) => [name, units])]);

/** Own keys only: a resource may be called `constructor`. */
export const limitOf = (limits: ResourceLimits, name: string): number => (Object.hasOwn(limits, name) ? (limits[name] ?? 1) : 1);
