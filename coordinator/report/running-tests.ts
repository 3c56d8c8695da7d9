// Which test each xdist worker runs now, as agents tell of it.

import type { AgentId, AttemptId, NodeId } from '../../shared/ids.ts';
import type { CoordinatorEvent } from '../core/events.ts';

export interface RunningTest {
  readonly nodeid: NodeId;
  readonly attempt: AttemptId;
  /** Milliseconds since the epoch. */
  readonly beganAt: number;
}

/** One xdist worker with the test that it began last: it is at that, or was at it last and is collecting, or between tests. */
export interface Lane {
  readonly agent: AgentId;
  readonly worker: string;
  readonly test: RunningTest;
  readonly isBusy: boolean;
}

export interface RunningTests {
  observe(event: CoordinatorEvent): void;
  /** In the order in which they were first heard of, agent by agent; of an agent no more than it has xdist workers. */
  lanes(): readonly Lane[];
}

interface AgentLanes {
  workers: number;
  readonly lanes: Map<string, Lane>;
}

/** `beganAt` says what instant a test is taken to have begun at; it is given that by the agent's own clock. */
export function createRunningTests(beganAt: (byAgentAt: number) => number): RunningTests {
  const agents = new Map<AgentId, AgentLanes>();
  const lanesOf = (agent: AgentId): AgentLanes => {
    const known = agents.get(agent) ?? { workers: 1, lanes: new Map() };
    agents.set(agent, known);
    return known;
  };
  const begin = (agent: AgentId, worker: string, test: RunningTest): void => {
    const { workers, lanes } = lanesOf(agent);
    // It has taken the place of one that died or was replaced.
    if (!lanes.has(worker) && lanes.size >= workers) {
      const gone = [...lanes.values()].find(({ isBusy }) => !isBusy);
      if (gone !== undefined) lanes.delete(gone.worker);
    }
    lanes.set(worker, { agent, worker, test, isBusy: true });
  };
  const end = (lane: Lane): void => {
    agents.get(lane.agent)?.lanes.set(lane.worker, { ...lane, isBusy: false });
  };
  const endAttempt = (attempt: AttemptId): void => {
    for (const { lanes } of agents.values()) for (const lane of lanes.values()) if (lane.test.attempt === attempt) end(lane);
  };

  return {
    observe(event) {
      switch (event.kind) {
        case 'agent-joined':
          lanesOf(event.agent.id).workers = Math.max(1, event.agent.workers);
          return;
        case 'attempt-told':
          if (event.event.kind === 'test-started') {
            const { nodeid, worker, at } = event.event;
            begin(event.agent, worker, { nodeid, attempt: event.attempt, beganAt: beganAt(at) });
          }
          if (event.event.kind === 'test-finished') {
            const { nodeid, worker } = event.event.result;
            const lane = agents.get(event.agent)?.lanes.get(worker);
            if (lane?.test.nodeid === nodeid) end(lane);
          }
          return;
        case 'attempt-ended':
        case 'attempt-lost':
          endAttempt(event.attempt);
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
