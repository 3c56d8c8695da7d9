// Indexes the shards and attempts that decisions need, so that no decision scans a whole run. The guarded moves keep it current.

import type { AgentId } from '../../../shared/domain/ids.ts';
import { type AttemptRecord, allAttemptsOf, attemptsOf, hasEnded, isUncollected, type ShardRecord } from './records.ts';

export interface ShardIndex {
  /** The place of each shard in the plan; parts of a split shard come last. */
  readonly places: Map<ShardRecord, number>;
  /** Planned or open. */
  readonly unsettled: Set<ShardRecord>;
  /** Unsettled shards without an attempt queued or running. */
  readonly due: Set<ShardRecord>;
  /** Shards that were begun and whose seconds may still change: all but those in `done`. */
  readonly begun: Set<ShardRecord>;
  readonly done: DoneWork;
  /** The prediction for all shards, in seconds. */
  predictedSeconds: number;
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

/** What shards were predicted to take and took, in seconds. */
export interface Seconds {
  predicted: number;
  measured: number;
}

/** The work of shards that are done with all results, in all and by each agent with an attempt of them. */
export interface DoneWork {
  readonly all: Seconds;
  readonly byAgent: Map<AgentId, Seconds>;
  /** What was added for each shard. */
  readonly added: Map<ShardRecord, { readonly seconds: Seconds; readonly agents: readonly AgentId[] }>;
}

export const newShardIndex = (): ShardIndex => ({
  places: new Map(),
  unsettled: new Set(),
  due: new Set(),
  begun: new Set(),
  done: { all: { predicted: 0, measured: 0 }, byAgent: new Map(), added: new Map() },
  predictedSeconds: 0,
  superseded: new Set(),
  live: new Set(),
  held: new Set(),
  particular: new Set(),
  holders: new Set(),
  stopped: new Set(),
  crashes: 0,
});

/** Updates the index for a new shard, or one whose state or attempts changed. */
export function indexShard(index: ShardIndex, record: ShardRecord): void {
  const { places, unsettled, due, begun, superseded } = index;
  if (!places.has(record)) {
    places.set(record, places.size);
    index.predictedSeconds += record.shard.predictedSeconds;
  }
  const { kind } = record.state;
  put(begun, record, kind === 'open' || kind === 'given-up' || (kind === 'done' && !isSteady(record)));
  countDone(index.done, record);
  put(unsettled, record, kind === 'planned' || kind === 'open');
  put(due, record, kind === 'planned' || (kind === 'open' && hasEnded(record)));
  put(superseded, record, kind === 'done' && supersededAttempts(record).length > 0);
}

/** True if each file of the shard was collected without an error, and each of its tests has an outcome. */
function isSteady({ files }: ShardRecord): boolean {
  for (const progress of files.values()) if (progress.openTests > 0 || progress.collectFailed || isUncollected(progress)) return false;
  return true;
}

function countDone(done: DoneWork, record: ShardRecord): void {
  const before = done.added.get(record);
  const isCounted = record.state.kind === 'done' && isSteady(record);
  if (before === undefined && !isCounted) return;
  if (before !== undefined) addTo(done, before.agents, { predicted: -before.seconds.predicted, measured: -before.seconds.measured });
  done.added.delete(record);
  if (!isCounted) return;
  const added = { seconds: { predicted: record.shard.predictedSeconds, measured: measuredSecondsOf(record) }, agents: agentsOf(record) };
  done.added.set(record, added);
  addTo(done, added.agents, added.seconds);
}

function addTo({ all, byAgent }: DoneWork, agents: readonly AgentId[], { predicted, measured }: Seconds): void {
  all.predicted += predicted;
  all.measured += measured;
  for (const agent of agents) addFor(byAgent, agent, { predicted, measured });
}

/** Adds to the seconds of an agent. */
export function addFor(byAgent: Map<AgentId, Seconds>, agent: AgentId, { predicted, measured }: Seconds): void {
  const own = byAgent.get(agent);
  if (own === undefined) byAgent.set(agent, { predicted, measured });
  else {
    own.predicted += predicted;
    own.measured += measured;
  }
}

/** What collecting the shard's files and running their tests took so far, in seconds. */
export function measuredSecondsOf({ files }: ShardRecord): number {
  let seconds = 0;
  for (const { collectSeconds, measuredSeconds } of files.values()) seconds += (collectSeconds ?? 0) + measuredSeconds;
  return seconds;
}

/** The agents of the shard's attempts, each once. */
export function agentsOf(record: ShardRecord): readonly AgentId[] {
  const agents: AgentId[] = [];
  for (const { role, state } of allAttemptsOf(record)) {
    if (role === 'rerun' || state.kind === 'enqueued' || state.agent === null) continue;
    if (!agents.includes(state.agent)) agents.push(state.agent);
  }
  return agents;
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
