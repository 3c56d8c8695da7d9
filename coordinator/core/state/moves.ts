// Guards the moves of shards, attempts and agents: checks the state before each move and records the move as a change.

import type { InterruptCause } from '../../../shared/domain/attempt.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import type { AgentRecord, AttemptRecord, AttemptState, NonEmpty, ShardRecord, ShardState } from './records.ts';
import type { RunState } from './run-state.ts';
import { indexAttempt, indexShard, newShardIndex } from './shard-index.ts';

type Moves<Kind extends string> = Readonly<Record<Kind, readonly Kind[]>>;

/** Allowed next states of a shard. Its kind stays the same if only its attempts grow. */
const SHARD_MOVES: Moves<ShardState['kind']> = {
  planned: ['open', 'given-up'],
  open: ['open', 'done', 'split', 'given-up'],
  // A collection error that turns out to be an agent's fault reopens the shard.
  done: ['done', 'open'],
  // A late result completes the shard.
  'given-up': ['given-up', 'done', 'open'],
  split: ['split'],
};

/** Allowed next states of an attempt. A leaving agent hands back attempts it has taken but not started. The first ending is final. */
const ATTEMPT_MOVES: Moves<AttemptState['kind']> = {
  enqueued: ['taken', 'running', 'ended'],
  taken: ['enqueued', 'running', 'ended'],
  running: ['ended'],
  ended: [],
};

/** Adds a new shard. */
export function addShard(state: RunState, record: ShardRecord): void {
  state.shards.set(record.shard.id, record);
  indexShard(state.index, record);
}

/** Removes all shards before any attempt of theirs was enqueued. */
export function dropShards(state: RunState): void {
  state.shards.clear();
  Object.assign(state.index, newShardIndex());
}

/** Adds a new attempt; a planned shard opens with it. */
export function addAttempt(state: RunState, record: ShardRecord, attempt: AttemptRecord): void {
  const { state: before } = record;
  state.attempts.set(attempt.id, attempt);
  indexAttempt(state.index, attempt);
  moveShard(
    state,
    record,
    before.kind === 'planned' ? { kind: 'open', attempts: [attempt] } : { ...before, attempts: appended(before.attempts, attempt) },
  );
}

function appended(attempts: readonly AttemptRecord[], attempt: AttemptRecord): NonEmpty<AttemptRecord> {
  const [first, ...rest] = attempts;
  return first === undefined ? [attempt] : [first, ...rest, attempt];
}

/** Marks the attempt as cancelled; the first reason counts. */
export function cancelAttempt(state: RunState, attempt: AttemptRecord, by: InterruptCause): void {
  attempt.cancelledBy ??= by;
  const record = state.shards.get(attempt.shard);
  if (record !== undefined) indexShard(state.index, record);
}

export function moveShard(state: RunState, record: ShardRecord, to: ShardState): void {
  const from = record.state.kind;
  guard(SHARD_MOVES, `shard ${record.shard.id}`, from, to.kind);
  record.state = to;
  indexShard(state.index, record);
  if (from !== to.kind) state.changes.push({ kind: 'shard-moved', shard: record, from });
}

export function moveAttempt(state: RunState, attempt: AttemptRecord, to: AttemptState): void {
  const from = attempt.state.kind;
  guard(ATTEMPT_MOVES, `attempt ${attempt.id}`, from, to.kind);
  attempt.state = to;
  indexAttempt(state.index, attempt);
  const record = state.shards.get(attempt.shard);
  if (record !== undefined) indexShard(state.index, record);
  state.changes.push({ kind: 'attempt-moved', attempt, from });
}

/** Moves an agent; `left` is final because an agent joins a run once. `from` is null for a new agent. */
export function moveAgent(state: RunState, agent: AgentRecord, to: AgentRecord['presence'], from: AgentRecord['presence'] | null): void {
  if (agent.presence !== 'left') agent.presence = to;
  if (agent.presence !== from) state.changes.push({ kind: 'agent-moved', agent, from });
}

function guard<Kind extends string>(moves: Moves<Kind>, what: string, from: Kind, to: Kind): void {
  if (!moves[from].includes(to)) throw new ShardlineError('internal', { problem: `${what} cannot go from ${from} to ${to}` });
}
