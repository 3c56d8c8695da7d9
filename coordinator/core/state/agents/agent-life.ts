// Applies the coming and going of agents: joined, unfit, left, dismissed, lost and returned.

import { compareFingerprints } from '../../../../shared/domain/suite/fingerprint.ts';
import { endAttempt, loseAttemptsOf } from '../attempts/attempt-life.ts';
import { dropDoubtsOf } from '../collection/doubts.ts';
import { applyDismissal } from '../conduct.ts';
import type { EventOf } from '../events.ts';
import { moveAttempt } from '../moves.ts';
import type { RunState } from '../run-state.ts';
import { reject } from './rejections.ts';
import { endService, hasRoom, newAgent, noteAgentEvent, returned, setPresence } from './roster.ts';

export function agentJoined(state: RunState, { at, agent: info }: EventOf<'agent-joined'>): void {
  if (!hasRoom(state, info.id)) {
    reject(state, info.id, 'too-many');
    return;
  }
  const agent = noteAgentEvent(state, info.id, at);
  if (agent.joinedAt !== null) return;
  agent.info = info;
  agent.joinedAt = at;
  if (!info.isLocal)
    agent.differences = compareFingerprints({ files: state.opened.spec.files, python: state.opened.python }, info.fingerprint);
  setPresence(state, agent, 'alive');
}

/** Records an agent that cannot serve the run. If it never joined, a run that waits for agents keeps waiting. */
export function agentUnfit(state: RunState, { at, agent: id, host, why, problem, fingerprint }: EventOf<'agent-unfit'>): void {
  if (!hasRoom(state, id)) {
    reject(state, id, 'too-many');
    return;
  }
  const isNew = !state.agents.has(id);
  const agent = state.agents.get(id) ?? newAgent(id);
  state.agents.set(id, agent);
  agent.unfit ??= { why, problem, host, fingerprint };
  endService(agent, at);
  setPresence(state, agent, 'left', isNew ? null : agent.presence);
}

/** The agent finishes what it runs. Draining is final. */
export function agentDraining(state: RunState, { at, agent }: EventOf<'agent-draining'>): void {
  noteAgentEvent(state, agent, at).isDraining = true;
}

export function agentLeft(state: RunState, event: EventOf<'agent-left'>): void {
  const agent = noteAgentEvent(state, event.agent, event.at);
  if (agent.left !== null) return;
  const { busySeconds, idleSeconds, peakRssBytes, cpuSeconds } = event;
  agent.left = { busySeconds, idleSeconds, peakRssBytes, cpuSeconds };
  endService(agent, event.at);
  setPresence(state, agent, 'left');
  for (const attempt of [...state.index.held]) {
    if (attempt.state.kind === 'taken' && attempt.state.agent === agent.id) moveAttempt(state, attempt, { kind: 'enqueued' });
    else if (attempt.state.kind === 'running' && attempt.state.agent === agent.id) endAttempt(state, attempt, agent.id, { kind: 'lost' });
  }
}

export function agentDismissed(state: RunState, { at, agent, why }: EventOf<'agent-dismissed'>): void {
  applyDismissal(state, agent, why);
  dropDoubtsOf(state, agent);
  if (why === 'messages') loseAttemptsOf(state, agent);
  endService(state.agents.get(agent), at);
}

export function agentLost(state: RunState, { at, agent: id }: EventOf<'agent-lost'>): void {
  const agent = state.agents.get(id);
  if (agent?.presence !== 'alive') return;
  endService(agent, at);
  setPresence(state, agent, 'lost');
  loseAttemptsOf(state, id);
}

export function agentReturned(state: RunState, { agent: id }: EventOf<'agent-returned'>): void {
  const agent = state.agents.get(id);
  if (agent?.presence === 'lost') returned(state, agent);
}
