// The agents of a pool as the dashboard shows them, with limits to what a browser receives.

import type { AgentId } from '../../../shared/domain/ids.ts';
import { sum } from '../../../shared/numbers.ts';
import type { Fleet } from '../../redis/inspect/fleet.ts';
import type { AgentLine, PoolAgents } from '../../web/live-messages.ts';

/** What one browser receives at most. */
export const MOST_SHOWN = { agents: 50, labels: 6, runs: 4, hostCharacters: 80 } as const;

/** Rows keep their place while agents change state, so agents are in the order of their names. */
export function poolAgents(pool: string, fleet: Fleet): PoolAgents {
  const lines = [...fleet.agents.keys()].sort(byName).map((id) => lineOf(id, fleet));
  const count = (state: AgentLine['state']): number => sum(lines.map((line) => (line.state === state ? 1 : 0)));
  return {
    pool,
    busy: count('busy'),
    waiting: count('waiting'),
    draining: count('draining'),
    agents: lines.slice(0, MOST_SHOWN.agents),
  };
}

const byName = new Intl.Collator('en', { numeric: true }).compare;

function lineOf(id: AgentId, { agents, runs }: Fleet): AgentLine {
  const facts = agents.get(id) ?? null;
  // The keys of a run are newer than what the agent said with its last heartbeat.
  const shards = new Map<string, number>(facts?.runs.map(({ run, shards }) => [run, shards]));
  for (const run of runs) {
    const held = run.agents.get(id);
    if (held !== undefined) shards.set(run.id, held);
  }
  return {
    id,
    state: facts !== null && facts.drainSeconds !== null ? 'draining' : shards.size > 0 ? 'busy' : 'waiting',
    runs: [...shards].slice(0, MOST_SHOWN.runs).map(([runId, held]) => ({ runId, shards: held })),
    moreRuns: Math.max(0, shards.size - MOST_SHOWN.runs),
    facts:
      facts === null
        ? null
        : {
            host: facts.host.slice(0, MOST_SHOWN.hostCharacters),
            workers: facts.workers,
            cpus: facts.cpus,
            memoryBytes: facts.memoryBytes,
            labels: facts.labels.slice(0, MOST_SHOWN.labels),
            moreLabels: Math.max(0, facts.labels.length - MOST_SHOWN.labels),
            version: facts.version,
            commit: facts.commit?.slice(0, 12) ?? null,
            leavesWithinSeconds: facts.drainSeconds === null ? null : Math.ceil(facts.drainSeconds),
          },
  };
}
