// Indexes the shards and attempts that decisions need, so that no decision scans a whole run. The guarded moves keep it current.

import { type AttemptRecord, attemptsOf, hasEnded, type ShardRecord } from './records.ts';

export interface ShardIndex {
  /** The place of each shard in the plan; parts of a split shard come last. */
  readonly places: Map<ShardRecord, number>;
  /** Planned or open. */
  readonly unsettled: Set<ShardRecord>;
  /** Unsettled shards without an attempt queued or running. */
  readonly due: Set<ShardRecord>;
  /** Done shards with uncancelled attempts that an agent may still be running needlessly. */
  readonly superseded: Set<ShardRecord>;
  /** Attempts that have not ended. */
  readonly live: Set<AttemptRecord>;
  /** Those of them that an agent has taken or runs; the others wait in the queue. */
  readonly held: Set<AttemptRecord>;
  /** Live attempts that not every agent can take at any time: with a lane or with resources. */
  readonly particular: Set<AttemptRecord>;
  /** Attempts with resources, except those that released them when they ended; holders.ts knows which of them hold any. */
  readonly holders: Set<AttemptRecord>;
  /** Attempts in which pytest stopped by itself: `-x`, or `pytest.exit`. */
  readonly stopped: Set<AttemptRecord>;
  /** Number of crashed attempts. */
  crashes: number;
}

export const newShardIndex = (): ShardIndex => ({
  places: new Map(),
  unsettled: new Set(),
  due: new Set(),
  superseded: new Set(),
  live: new Set(),
  held: new Set(),
  particular: new Set(),
  holders: new Set(),
  stopped: new Set(),
  crashes: 0,
});

/** Updates the index for a new shard, or one whose state or attempts changed. */
export function indexShard({ places, unsettled, due, superseded }: ShardIndex, record: ShardRecord): void {
  if (!places.has(record)) places.set(record, places.size);
  const { kind } = record.state;
  put(unsettled, record, kind === 'planned' || kind === 'open');
  put(due, record, kind === 'planned' || (kind === 'open' && hasEnded(record)));
  put(superseded, record, kind === 'done' && supersededAttempts(record).length > 0);
}

/** Due shards in the order of the plan. */
export const dueInOrder = ({ due, places }: ShardIndex): readonly ShardRecord[] =>
  [...due].sort((left, right) => (places.get(left) ?? 0) - (places.get(right) ?? 0));

/** Updates the index for a new attempt, or one whose state changed. */
export function indexAttempt(index: ShardIndex, attempt: AttemptRecord): void {
  const { state } = attempt;
  put(index.live, attempt, state.kind !== 'ended');
  put(index.held, attempt, state.kind === 'taken' || state.kind === 'running');
  put(index.particular, attempt, state.kind !== 'ended' && (attempt.lane !== null || attempt.needs.resources.length > 0));
  put(index.holders, attempt, attempt.needs.resources.length > 0 && (state.kind !== 'ended' || state.ending.kind === 'lost'));
  if (state.kind !== 'ended') return;
  if (state.ending.kind === 'crashed') index.crashes += 1;
  if (state.ending.kind === 'interrupted' && (state.ending.by === 'maxfail' || state.ending.by === 'pytest-exit'))
    index.stopped.add(attempt);
}

/** Attempts of a done shard that an agent may still be running needlessly. */
export function supersededAttempts(record: ShardRecord): readonly AttemptRecord[] {
  const { state } = record;
  if (state.kind !== 'done') return [];
  return attemptsOf(record).filter(
    (attempt) => attempt.id !== state.accepted && attempt.role !== 'recheck' && mayRun(attempt) && attempt.cancelledBy === null,
  );
}

/** True if the attempt may still be running. A lost agent may only be frozen or disconnected. */
const mayRun = ({ state }: AttemptRecord): boolean => state.kind !== 'ended' || state.ending.kind === 'lost';

function put<Item>(set: Set<Item>, item: Item, isReadable: boolean): void {
  if (isReadable) set.add(item);
  else set.delete(item);
}
