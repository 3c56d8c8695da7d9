// Compares what Redis reports about agents and attempts with the state: detects lost agents, returned agents, and attempts that no agent
// holds.
// A suspicion becomes an event only after a delay, because an answer of Redis may be older than the state.

import type { AgentId, AttemptId } from '../../../shared/domain/ids.ts';
import type { OwnEvent } from '../state/events.ts';
import type { RunState } from '../state/run-state.ts';

/** How long an agent may be disconnected; a broken connection is re-established within half a second. */
const DISCONNECTED_MS = 800;
/** How long an attempt may be without an agent: several beats of an agent on a busy machine. */
const ORPHANED_MS = 5000;
/** From this age of such a doubt on, each look lists the queue, because an attempt that was handed back to it is not lost. */
const DOUBTED_MS = 2500;
/** How many waiting attempts are listed in a second; a longer queue is listed less often. */
const LISTED_A_SECOND = 1000;
/** How long an agent may be missing. An agent that leaves disappears before its farewell arrives over another connection. */
const MISSING_MS = 500;

/**
 * Agents that are alive, queued attempts (null if the queue was not listed), fetched attempts with their agents, and the attempts each agent
 * reports as held.
 */
export interface Sighting {
  readonly alive: readonly AgentId[];
  readonly waiting: ReadonlySet<AttemptId> | null;
  readonly taken: readonly { readonly attempt: AttemptId; readonly agent: AgentId }[];
  readonly holding: ReadonlyMap<AgentId, readonly AttemptId[]>;
}

/** Since when something was missing, in milliseconds since the epoch. The caller owns it; the functions below change it. */
export interface Suspicions {
  /** Agents that were connected once, with the time since which they are not; null while connected. */
  readonly disconnected: Map<AgentId, number | null>;
  readonly orphans: Map<AttemptId, number>;
  readonly missing: Map<AgentId, number>;
  /** When the queue was listed last; null before the first time. */
  listedAt: number | null;
}

export const noSuspicions = (): Suspicions => ({ disconnected: new Map(), orphans: new Map(), missing: new Map(), listedAt: null });

/** Returns alive agents that have been disconnected for too long. A break of our own connection proves nothing: see `forgetConnections`. */
export function disconnectedNow(suspicions: Suspicions, connected: ReadonlySet<AgentId>, state: RunState, at: number): readonly AgentId[] {
  const gone: AgentId[] = [];
  for (const agent of connected) suspicions.disconnected.set(agent, null);
  for (const [agent, since] of suspicions.disconnected) {
    if (connected.has(agent)) continue;
    if (since === null) suspicions.disconnected.set(agent, at);
    else if (at - since >= DISCONNECTED_MS && state.agents.get(agent)?.presence === 'alive') gone.push(agent);
  }
  return gone;
}

/** Forgets all connections. A restart of Redis breaks every connection, so only agents that connect afterwards can be missed. */
export function forgetConnections(suspicions: Suspicions): void {
  suspicions.disconnected.clear();
}

/**
 * True if the next look must list the queue: it is short, was not listed for a while, or an attempt may be lost. A listing takes the
 * coordinator 0.8 ms for each 1000 waiting attempts (measured: bench/coordinator/queue-listing.ts).
 */
export function isListingDue(suspicions: Suspicions, { index }: RunState, at: number): boolean {
  const waiting = index.live.size - index.held.size;
  if (waiting <= LISTED_A_SECOND || suspicions.listedAt === null) return true;
  if (at - suspicions.listedAt >= (waiting / LISTED_A_SECOND) * 1000) return true;
  return [...suspicions.orphans.values()].some((since) => at - since >= DOUBTED_MS);
}

/**
 * Returns the events that follow from a sighting. `living` are the agents that were alive in the state when Redis was asked; only these can
 * be missing from its answer. No attempt is lost by a sighting without the queue, which leaves earlier doubts as they are.
 */
export function noticed(
  state: RunState,
  suspicions: Suspicions,
  living: readonly AgentId[],
  sighting: Sighting,
  at: number,
): readonly OwnEvent[] {
  const isGone = (agent: AgentId): boolean => at - (suspicions.disconnected.get(agent) ?? at) >= DISCONNECTED_MS;
  const alive = new Set(sighting.alive.filter((agent) => !isGone(agent)));
  const events: OwnEvent[] = [];
  const orphans = new Map<AttemptId, number>();
  /** Records the attempt as orphaned; true once it has been so for long enough. */
  const isOrphan = (attempt: AttemptId): boolean => {
    const since = suspicions.orphans.get(attempt) ?? at;
    orphans.set(attempt, since);
    return at - since >= ORPHANED_MS;
  };

  for (const agent of alive) {
    if (state.agents.get(agent)?.presence === 'lost') events.push({ kind: 'agent-returned', at, agent });
  }
  for (const { attempt, agent } of sighting.taken) {
    if (state.attempts.get(attempt)?.state.kind !== 'enqueued') continue;
    // If the agent is about to be declared lost, its attempt is lost with it. If the agent is already gone, wait: it may have handed the
    // attempt back.
    if (alive.has(agent) || living.includes(agent)) events.push({ kind: 'attempt-taken', at, attempt, agent });
    else if (isOrphan(attempt)) events.push({ kind: 'attempt-lost', at, attempt, agent });
  }
  const fetched = new Set(sighting.taken.map(({ attempt }) => attempt));
  const { waiting } = sighting;
  for (const attempt of waiting === null ? state.index.held : state.index.live) {
    if (attempt.state.kind === 'enqueued' && waiting?.has(attempt.id) === false && !fetched.has(attempt.id) && isOrphan(attempt.id))
      events.push({ kind: 'attempt-lost', at, attempt: attempt.id, agent: null });
    if (attempt.state.kind !== 'taken' && attempt.state.kind !== 'running') continue;
    const { agent } = attempt.state;
    // The agent handed the attempt back to the queue, for example to avoid it, so the attempt is not lost.
    if (waiting?.has(attempt.id)) continue;
    if (!alive.has(agent) || (sighting.holding.get(agent) ?? []).includes(attempt.id)) continue;
    if (isOrphan(attempt.id) && waiting !== null) events.push({ kind: 'attempt-lost', at, attempt: attempt.id, agent });
  }
  if (waiting !== null) suspicions.listedAt = at;
  else {
    for (const [attempt, since] of suspicions.orphans) {
      if (state.attempts.get(attempt)?.state.kind === 'enqueued' && !fetched.has(attempt)) orphans.set(attempt, since);
    }
  }
  const missing = new Map<AgentId, number>();
  for (const agent of living) {
    if (alive.has(agent) || state.agents.get(agent)?.presence !== 'alive') continue;
    const since = suspicions.missing.get(agent) ?? at;
    missing.set(agent, since);
    if (isGone(agent) || at - since >= MISSING_MS) events.push({ kind: 'agent-lost', at, agent });
  }
  suspicions.missing.clear();
  for (const [agent, since] of missing) suspicions.missing.set(agent, since);
  suspicions.orphans.clear();
  for (const [attempt, since] of orphans) suspicions.orphans.set(attempt, since);
  return events;
}
