// How many agents a pool should have. An autoscaler acts on it.

export interface Demand {
  readonly openRuns: number;
  /** What is left of all open runs, in seconds of one xdist worker. */
  readonly backlogSeconds: number;
  /** The time in which the backlog should be done. */
  readonly targetSeconds: number;
  /** xdist workers of one agent. */
  readonly slotsPerAgent: number;
  readonly maxAgents: number;
}

/**
 * As many agents as do the backlog within the target. An open run has at least one, because its backlog may not be known yet; without an
 * open run there are none.
 */
export function desiredAgents({ openRuns, backlogSeconds, targetSeconds, slotsPerAgent, maxAgents }: Demand): number {
  if (openRuns === 0) return 0;
  const needed = Math.ceil(backlogSeconds / Math.max(1, targetSeconds * slotsPerAgent));
  return Math.min(maxAgents, Math.max(1, needed));
}
