// Knows which attempts hold units of a resource: those that are queued or running, and those of lost agents until their lease ends.

import type { AttemptRecord } from '../records.ts';
import type { RunState } from '../run-state.ts';

/**
 * How long a lost agent's attempt keeps its resources, in milliseconds. The agent may only be disconnected; it then stops such attempts
 * within 8 s (RESOURCE_LEASE_MS of agent/resource-lease.ts), and a test that does not stop is killed a few seconds later.
 */
export const LOST_HOLD_MS = 15_000;

/** Units in use of each resource. */
export function unitsInUse(state: RunState): ReadonlyMap<string, number> {
  const inUse = new Map<string, number>();
  for (const attempt of state.index.holders) {
    if (!isHolding(state, attempt)) continue;
    for (const { name, units } of attempt.needs.resources) inUse.set(name, (inUse.get(name) ?? 0) + units);
  }
  return inUse;
}

/** True if the attempt holds its resources. Its agent's report of its end releases them, even if the attempt was lost before. */
export function isHolding({ coordinatorAt }: RunState, { state, seconds, endedAt }: AttemptRecord): boolean {
  if (state.kind !== 'ended') return true;
  if (state.ending.kind !== 'lost' || seconds !== null) return false;
  return coordinatorAt - (endedAt ?? coordinatorAt) < LOST_HOLD_MS;
}

/** Attempts with resources that were lost, and that an agent may still run: it must stop them. */
export const overstaying = (state: RunState): readonly AttemptRecord[] =>
  [...state.index.holders].filter((attempt) => {
    const { state: its, cancelledBy } = attempt;
    if (its.kind !== 'ended' || cancelledBy !== null || !isHolding(state, attempt)) return false;
    // An agent may have fetched the attempt from a Redis that has lost its data since.
    return its.agent === null || state.agents.get(its.agent)?.presence === 'alive';
  });
