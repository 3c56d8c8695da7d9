// Tracks which test each xdist worker is running, from the agents' events.

import type { AgentId, AttemptId, NodeId } from '../../../../shared/domain/ids.ts';
import type { CoordinatorEvent } from '../events.ts';

export interface RunningTest {
  readonly nodeid: NodeId;
  readonly attempt: AttemptId;
  /** Milliseconds since the epoch. */
  readonly beganAt: number;
}

/** One xdist worker with the test that it started last. It is running that test, or has ended it and is collecting or between tests. */
export interface Lane {
  readonly agent: AgentId;
  readonly worker: string;
  readonly test: RunningTest;
  /** Milliseconds since the epoch; null while the test is running. */
  readonly endedAt: number | null;
}

export interface RunningTests {
  observe(event: CoordinatorEvent): void;
  /** Lanes in the order in which they first appeared, agent by agent; an agent has at most as many as it has xdist workers. */
  lanes(): readonly Lane[];
}

interface AgentLanes {
  workers: number;
  readonly lanes: Map<string, Lane>;
}

/** `instant` converts a time by the agent's own clock into the time to show. */
export function createRunningTests(instant: (byAgentAt: number) => number): RunningTests {
  const agents = new Map<AgentId, AgentLanes>();
  const lanesOf = (agent: AgentId): AgentLanes => {
    const known = agents.get(agent) ?? { workers: 1, lanes: new Map() };
    agents.set(agent, known);
    return known;
  };
  const begin = (agent: AgentId, worker: string, test: RunningTest): void => {
    const { workers, lanes } = lanesOf(agent);
    // The worker replaces one that died.
    if (!lanes.has(worker) && lanes.size >= workers) {
      const gone = [...lanes.values()].find(({ endedAt }) => endedAt !== null);
      if (gone !== undefined) lanes.delete(gone.worker);
    }
    lanes.set(worker, { agent, worker, test, endedAt: null });
  };
  const end = (lane: Lane, endedAt: number): void => {
    agents.get(lane.agent)?.lanes.set(lane.worker, { ...lane, endedAt: lane.endedAt ?? endedAt });
  };
  const endAttempt = (attempt: AttemptId, at: number): void => {
    for (const { lanes } of agents.values()) for (const lane of lanes.values()) if (lane.test.attempt === attempt) end(lane, at);
  };

  return {
    observe(event) {
      switch (event.kind) {
        case 'agent-joined':
          lanesOf(event.agent.id).workers = Math.max(1, event.agent.workers);
          return;
        case 'attempt-reported':
          if (event.event.kind === 'test-started') {
            const { nodeid, worker, at } = event.event;
            begin(event.agent, worker, { nodeid, attempt: event.attempt, beganAt: instant(at) });
          }
          if (event.event.kind === 'test-finished') {
            const { nodeid, worker, startedAt, seconds } = event.event.result;
            const lane = agents.get(event.agent)?.lanes.get(worker);
            if (lane?.test.nodeid === nodeid) end(lane, instant(startedAt + seconds * 1000));
          }
          return;
        case 'attempt-ended':
        case 'attempt-lost':
          endAttempt(event.attempt, event.at);
          return;
        case 'agent-left':
        case 'agent-lost':
          agents.get(event.agent)?.lanes.clear();
          return;
        default:
          return;
      }
    },
    lanes: () => [...agents.values()].flatMap(({ lanes }) => [...lanes.values()]),
  };
}
