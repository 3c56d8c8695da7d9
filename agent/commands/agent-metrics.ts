// The metrics of one agent.

import { Counter, Gauge, Registry } from 'prom-client';
import type { RunEvent } from '../../shared/domain/events.ts';
import type { ListenAddress } from '../../shared/settings/settings.ts';
import { type MetricsServer, serveMetrics } from '../../shared/system/metrics-server.ts';
import type { AgentFacts } from '../../shared/wire/fleet/agent-facts.ts';

export interface AgentMetrics extends MetricsServer {
  /** Takes what the agent has said of itself in a heartbeat that Redis has answered. */
  beaten(facts: AgentFacts): void;
  /** Takes an event that the agent reports to a run. */
  reported(event: RunEvent): void;
}

/** Serves until it is disposed. Throws `metrics-cannot-listen`. */
export async function agentMetrics(address: ListenAddress): Promise<AgentMetrics> {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name: `shardline_agent_${name}`, help, registers });
  const slots = gauge('slots', 'xdist workers of one session of this agent.');
  const shards = gauge('shards', 'Shards that this agent holds.');
  const runs = gauge('runs', 'Runs that this agent serves.');
  const draining = gauge('draining', '1 while this agent takes no more shards.');
  const attempts = new Counter({ name: 'shardline_agent_attempts_total', help: 'Attempts by ending.', labelNames: ['ending'], registers });
  let answeredAt: number | null = null;
  const server = await serveMetrics(address, registry, () => answeredAt);
  return {
    ...server,
    beaten(facts) {
      answeredAt = performance.now();
      slots.set(facts.workers);
      shards.set(facts.runs.reduce((all, run) => all + run.shards, 0));
      runs.set(facts.runs.length);
      draining.set(facts.drainSeconds === null ? 0 : 1);
    },
    reported(event) {
      if (event.kind === 'attempt-ended') attempts.inc({ ending: event.ending.kind });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
