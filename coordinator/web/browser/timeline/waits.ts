// The lanes of the timeline below those of the workers: one for each label or resource that shards waited for.

import type { Model } from '../model.ts';

export interface WaitLane {
  /** What was missing. */
  readonly what: string;
  /** How many shards waited. */
  readonly shards: number;
  /** When at least one shard waited, in order and without overlaps. Instants are milliseconds since the run's start. */
  readonly bars: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** In the order in which the first shard waited. */
export function waitLanesOf({ data: { waits } }: Pick<Model, 'data'>): readonly WaitLane[] {
  const byThing = Map.groupBy(
    waits.filter(([, , , ms]) => ms > 0).toSorted((left, right) => left[2] - right[2]),
    ([, what]) => what,
  );
  return [...byThing].map(([what, own]) => ({ what, shards: new Set(own.map(([shard]) => shard)).size, bars: merged(own) }));
}

function merged(waits: Model['data']['waits']): WaitLane['bars'] {
  const bars: { fromMs: number; toMs: number }[] = [];
  for (const [, , fromMs, ms] of waits) {
    const last = bars.at(-1);
    if (last === undefined || fromMs > last.toMs) bars.push({ fromMs, toMs: fromMs + ms });
    else last.toMs = Math.max(last.toMs, fromMs + ms);
  }
  return bars;
}
