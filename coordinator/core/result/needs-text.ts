// Words for what tests need and the fleet does not have.

import type { ShardId } from '../../../shared/domain/ids.ts';
import { excessNames, limitOf, NEEDS_LIMITS, type Needs, NO_NEEDS, type ResourceLimits } from '../../../shared/domain/needs.ts';
import type { ShardRecord, Wait } from '../state/records.ts';
import type { RunState } from '../state/run-state.ts';

/** Every wait of a shard for an agent with its labels, or for its resources, in the order in which they began. */
export function waitsOf({
  shards,
  closed,
  coordinatorAt,
}: RunState): readonly (Wait & { readonly shard: ShardId; readonly endedAt: number })[] {
  const end = closed?.at ?? coordinatorAt;
  return [...shards.values()]
    .flatMap(({ shard, waits }) => waits.map((wait) => ({ ...wait, shard: shard.id, endedAt: wait.until ?? Math.max(end, wait.since) })))
    .sort((left, right) => left.since - right.since);
}

/** `the label gpu`, `the resource payments-sandbox`; empty for no needs. */
export function needsText({ labels, resources }: Needs, limits: ResourceLimits = {}): string {
  const named = labels.length === 0 ? [] : [`the ${labels.length === 1 ? 'label' : 'labels'} ${labels.join(', ')}`];
  const held = resources.map(({ name, units }) => {
    const limit = limitOf(limits, name);
    return units > limit ? `${units} units of the resource ${name}, which has ${limit}` : `the resource ${name}`;
  });
  return [...named, ...held].join(' and ');
}

/** What a shard lacked that was given up for its needs, in words; null for any other shard. */
export function lackedBy({ opened }: RunState, { state, shard, waits }: ShardRecord): string | null {
  if (state.kind !== 'given-up' || state.why !== 'unmet-needs') return null;
  const { needs = NO_NEEDS } = shard;
  const tooMany = excessNames(needs);
  if (tooMany !== null) return `more than ${NEEDS_LIMITS.names} ${tooMany}, the limit for tests that run together`;
  const { resources } = needs;
  const excessive = resources.filter(({ name, units }) => units > limitOf(opened.resources, name));
  return needsText(excessive.length > 0 ? { labels: [], resources: excessive } : (waits.at(-1)?.lacks ?? NO_NEEDS), opened.resources);
}
