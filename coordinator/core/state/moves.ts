// The guarded moves of shards, attempts and agents. Each one says what may precede it, and is a change that `reduce` returns.

import { ShardlineError } from '../../../shared/errors.ts';
import type { AgentRecord, AttemptRecord, AttemptState, ShardRecord, ShardState } from './records.ts';
import type { RunState } from './run-state.ts';

type Moves<Kind extends string> = Readonly<Record<Kind, readonly Kind[]>>;

/** From one state to the next. A shard keeps its kind where only its attempts grow. */
const SHARD_MOVES: Moves<ShardState['kind']> = {
  planned: ['open'],
  open: ['open', 'done', 'split', 'given-up'],
  // A collection error that turns out to be an agent's fault opens it again.
  done: ['done', 'open'],
  // A late result completes it.
  'given-up': ['given-up', 'done', 'open'],
  split: ['split'],
};

/** An agent that leaves hands back what it has taken. The first ending is final. */
const ATTEMPT_MOVES: Moves<AttemptState['kind']> = {
  enqueued: ['taken', 'running', 'ended'],
  taken: ['enqueued', 'running', 'ended'],
  running: ['ended'],
  ended: [],
};

export function moveShard(state: RunState, record: ShardRecord, to: ShardState): void {
  const from = record.state.kind;
  guard(SHARD_MOVES, `shard ${record.shard.id}`, from, to.kind);
  record.state = to;
  if (from !== to.kind) state.changes.push({ kind: 'shard-moved', shard: record, from });
}

export function moveAttempt(state: RunState, attempt: AttemptRecord, to: AttemptState): void {
  const from = attempt.state.kind;
  guard(ATTEMPT_MOVES, `attempt ${attempt.id}`, from, to.kind);
  attempt.state = to;
  state.changes.push({ kind: 'attempt-moved', attempt, from });
}

/** Left is final: an agent joins a run once. `from` is null for an agent that is heard for the first time. */
export function moveAgent(state: RunState, agent: AgentRecord, to: AgentRecord['presence'], from: AgentRecord['presence'] | null): void {
  if (agent.presence !== 'left') agent.presence = to;
  if (agent.presence !== from) state.changes.push({ kind: 'agent-moved', agent, from });
}

function guard<Kind extends string>(moves: Moves<Kind>, what: string, from: Kind, to: Kind): void {
  if (!moves[from].includes(to)) throw new ShardlineError('internal', { problem: `${what} cannot go from ${from} to ${to}` });
}
