// Keeps the agents of a run: who is known, who is alive, and whose reports count.

import type { AgentId } from '../../../../shared/domain/ids.ts';
import { NO_DIFFERENCES } from '../../../../shared/domain/suite/fingerprint.ts';
import { isRefused } from '../conduct.ts';
import { moveAgent } from '../moves.ts';
import { type AgentRecord, newConduct } from '../records.ts';
import type { RunState } from '../run-state.ts';

export const newAgent = (id: AgentId): AgentRecord => ({
  id,
  info: null,
  presence: 'alive',
  isDraining: false,
  joinedAt: null,
  lastEventAt: null,
  attemptSeconds: 0,
  conduct: newConduct(),
  differences: NO_DIFFERENCES,
  goneAt: null,
  unfit: null,
  left: null,
});

/** Maximum number of agents in a run. */
const MOST_AGENTS = 10_000;

/** Whether the run may have this agent; a new one is refused once there are too many. */
export const hasRoom = ({ agents }: RunState, id: AgentId): boolean => agents.has(id) || agents.size < MOST_AGENTS;

/** Returns the agent's record. A new agent is alive until its presence shows otherwise. */
export function knownAgent(state: RunState, id: AgentId): AgentRecord {
  const known = state.agents.get(id);
  if (known !== undefined) return known;
  const agent = newAgent(id);
  state.agents.set(id, agent);
  setPresence(state, agent, 'alive', null);
  return agent;
}

export function noteAgentEvent(state: RunState, id: AgentId, at: number): AgentRecord {
  const agent = knownAgent(state, id);
  agent.lastEventAt = Math.max(agent.lastEventAt ?? at, at);
  if (state.aloneSince !== null) state.aloneSince = state.coordinatorAt;
  return agent;
}

/** False for an agent whose messages could not be read: what it says later may rest on what was lost. */
export const isReadable = ({ agents }: RunState, id: AgentId): boolean => agents.get(id)?.conduct.dismissedFor !== 'messages';

/** True if reports of this agent count. */
export const mayServe = (state: RunState, { agent, at }: { readonly agent: AgentId; readonly at: number }): boolean =>
  hasRoom(state, agent) && !isRefused(state, noteAgentEvent(state, agent, at));

/** Ends the agent's service; the first end counts. */
export function endService(agent: AgentRecord | undefined, at: number): void {
  if (agent !== undefined) agent.goneAt ??= at;
}

/** Marks a lost agent as alive again. A quarantined agent stays quarantined. */
export function returned(state: RunState, agent: AgentRecord): void {
  if (agent.conduct.dismissedFor === null && agent.presence === 'lost') agent.goneAt = null;
  setPresence(state, agent, 'alive');
}

export function setPresence(
  state: RunState,
  agent: AgentRecord,
  presence: AgentRecord['presence'],
  from: AgentRecord['presence'] | null = agent.presence,
): void {
  const before = from;
  moveAgent(state, agent, presence, from);
  state.living += Number(agent.presence === 'alive') - Number(before === 'alive');
  state.aloneSince = state.living > 0 ? null : (state.aloneSince ?? state.coordinatorAt);
}
