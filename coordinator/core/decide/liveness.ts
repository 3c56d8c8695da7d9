// What Redis says of agents and attempts, held against what the state says of them: who died, who came back, and which attempts nobody has.
// A suspicion becomes an event only after a while: an answer may be older than what is known by now.

import type { AgentId, AttemptId } from '../../../shared/domain/ids.ts';
import type { CoordinatorEvent } from '../state/events.ts';
import type { RunState } from '../state/run-state.ts';

/** How long an agent's connections may be gone: a broken one is made again in half a second. */
const DISCONNECTED_MS = 800;
/** How long nobody may have an attempt: several beats of its agent, on a machine that is busy. */
const ORPHANED_MS = 5000;
/** How long an agent may be missing: one that leaves is gone before its farewell is read, which comes over another connection. */
const MISSING_MS = 500;

/** Who is there, what waits in the queue, what was fetched from it by whom, and what each agent says that it is serving. */
export interface Sighting {
  readonly alive: readonly AgentId[];
  readonly waiting: ReadonlySet<AttemptId>;
  readonly taken: readonly { readonly attempt: AttemptId; readonly agent: AgentId }[];
  readonly holding: ReadonlyMap<AgentId, readonly AttemptId[]>;
}

/** Since when, in milliseconds since the epoch, something was missing. Belongs to whoever watches, and is changed by the functions below. */
export interface Suspicions {
  /** Agents that were connected once, and since when they are not: null while they are. */
  readonly disconnected: Map<AgentId, number | null>;
  readonly orphans: Map<AttemptId, number>;
  readonly missing: Map<AgentId, number>;
}

export const noSuspicions = (): Suspicions => ({ disconnected: new Map(), orphans: new Map(), missing: new Map() });

/** Agents that were connected and are no longer; only new ones. A broken connection of one's own shows nobody: see `forgetConnections`. */
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

/** After a restart of Redis everybody's connections are gone: only who was connected since then can be missed. */
export function forgetConnections(suspicions: Suspicions): void {
  suspicions.disconnected.clear();
}

/**
 * The events that a sighting amounts to. `living` are the agents that were alive in the state when Redis was asked: only they can be missing from
 * its answer.
 */
export function noticed(
  state: RunState,
  suspicions: Suspicions,
  living: readonly AgentId[],
  sighting: Sighting,
  at: number,
): readonly CoordinatorEvent[] {
  const isGone = (agent: AgentId): boolean => at - (suspicions.disconnected.get(agent) ?? at) >= DISCONNECTED_MS;
  const alive = new Set(sighting.alive.filter((agent) => !isGone(agent)));
  const events: CoordinatorEvent[] = [];
  const orphans = new Map<AttemptId, number>();
  /** Nobody has it; true once that is so for long enough. */
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
    // Of an agent that is about to be told as lost, it is lost with it; of one that is gone already, only after a while: it may have handed it back.
    if (alive.has(agent) || living.includes(agent)) events.push({ kind: 'attempt-taken', at, attempt, agent });
    else if (isOrphan(attempt)) events.push({ kind: 'attempt-lost', at, attempt, agent });
  }
  const fetched = new Set(sighting.taken.map(({ attempt }) => attempt));
  for (const attempt of state.attempts.values()) {
    if (attempt.state.kind === 'enqueued' && !sighting.waiting.has(attempt.id) && !fetched.has(attempt.id) && isOrphan(attempt.id))
      events.push({ kind: 'attempt-lost', at, attempt: attempt.id, agent: null });
    if (attempt.state.kind !== 'taken' && attempt.state.kind !== 'running') continue;
    const { agent } = attempt.state;
    // Handed back, as an agent does with what it is to avoid: it is in nobody's hands, and is not lost.
    if (sighting.waiting.has(attempt.id)) continue;
    if (!alive.has(agent) || (sighting.holding.get(agent) ?? []).includes(attempt.id)) continue;
    if (isOrphan(attempt.id)) events.push({ kind: 'attempt-lost', at, attempt: attempt.id, agent });
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
