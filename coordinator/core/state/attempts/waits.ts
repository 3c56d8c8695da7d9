// Records when a due shard could not start, because an agent with its labels or a resource was missing.

import type { EventOf } from '../events.ts';
import type { ShardRecord, Wait } from '../records.ts';
import type { RunState } from '../run-state.ts';

/** Begins a wait. A wait for something else ends. */
export function beginWait(state: RunState, { at, shard, lacks }: EventOf<'shard-waits'>): void {
  const record = state.shards.get(shard);
  if (record === undefined) return;
  endWait(record, at);
  record.waits.push({ since: at, until: null, lacks });
}

/** The shard no longer waits: its next attempt is enqueued, or it was given up. */
export function endWait(record: ShardRecord, at: number): void {
  const wait = record.waits.at(-1);
  if (wait !== undefined) wait.until ??= at;
}

/** null if the shard does not wait. */
export function openWait({ waits }: ShardRecord): Wait | null {
  const last = waits.at(-1);
  return last === undefined || last.until !== null ? null : last;
}

/** Since when the shard waits, whatever for; infinite if it does not. */
export function waitingSince(record: ShardRecord): number {
  const { waits } = record;
  let since = openWait(record)?.since ?? Number.POSITIVE_INFINITY;
  for (const wait of waits.toReversed()) if (wait.until === since) since = wait.since;
  return since;
}
