// The shards and attempts that a decision asks for, kept up to date by the guarded moves: a decision must not look at a whole run to find the few of them.

import { type AttemptRecord, attemptsOf, hasEnded, type ShardRecord } from './records.ts';

export interface ShardIndex {
  /** The place of each shard in the plan; parts of a split one come last. */
  readonly places: Map<ShardRecord, number>;
  /** Planned or open. */
  readonly unsettled: Set<ShardRecord>;
  /** Of these, those without an attempt on its way. */
  readonly due: Set<ShardRecord>;
  /** Done, with attempts that an agent may still run for nothing and that were not cancelled. */
  readonly superseded: Set<ShardRecord>;
  /** Attempts that have not ended. */
  readonly live: Set<AttemptRecord>;
  /** Attempts in which pytest stopped by itself: `-x`, or `pytest.exit`. */
  readonly stopped: Set<AttemptRecord>;
  /** How many attempts have crashed. */
  crashes: number;
}

export const newShardIndex = (): ShardIndex => ({
  places: new Map(),
  unsettled: new Set(),
  due: new Set(),
  superseded: new Set(),
  live: new Set(),
  stopped: new Set(),
  crashes: 0,
});

/** A shard is new, or it or one of its attempts has changed. */
export function indexShard({ places, unsettled, due, superseded }: ShardIndex, record: ShardRecord): void {
  if (!places.has(record)) places.set(record, places.size);
  const { kind } = record.state;
  put(unsettled, record, kind === 'planned' || kind === 'open');
  put(due, record, kind === 'planned' || (kind === 'open' && hasEnded(record)));
  put(superseded, record, kind === 'done' && supersededAttempts(record).length > 0);
}

/** Shards that are due, in the order of the plan. */
export const dueInOrder = ({ due, places }: ShardIndex): readonly ShardRecord[] =>
  [...due].sort((left, right) => (places.get(left) ?? 0) - (places.get(right) ?? 0));

/** An attempt is new, or its state has changed. */
export function indexAttempt(index: ShardIndex, attempt: AttemptRecord): void {
  const { state } = attempt;
  put(index.live, attempt, state.kind !== 'ended');
  if (state.kind !== 'ended') return;
  if (state.ending.kind === 'crashed') index.crashes += 1;
  if (state.ending.kind === 'interrupted' && (state.ending.by === 'maxfail' || state.ending.by === 'pytest-exit'))
    index.stopped.add(attempt);
}

/** Attempts of a done shard that somebody may still be running for nothing. */
export function supersededAttempts(record: ShardRecord): readonly AttemptRecord[] {
  const { state } = record;
  if (state.kind !== 'done') return [];
  return attemptsOf(record).filter(
    (attempt) => attempt.id !== state.accepted && attempt.role !== 'recheck' && mayRun(attempt) && attempt.cancelledBy === null,
  );
}

/** An agent that was thought to be lost may only have been frozen or cut off. */
const mayRun = ({ state }: AttemptRecord): boolean => state.kind !== 'ended' || state.ending.kind === 'lost';

function put<Item>(set: Set<Item>, item: Item, isMember: boolean): void {
  if (isMember) set.add(item);
  else set.delete(item);
}
