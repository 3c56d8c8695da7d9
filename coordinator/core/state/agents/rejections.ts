// Counts the messages of a run's stream that do not count, by sender and cause.

import type { RunEvent } from '../../../../shared/domain/events.ts';
import type { AgentId } from '../../../../shared/domain/ids.ts';
import type { Rejection, RejectionCause } from '../../../../shared/domain/report.ts';
import type { CoordinatorEvent, EventOf } from '../events.ts';
import type { RunState } from '../run-state.ts';

/** Maximum number of senders and causes that are counted one by one; the rest counts under no sender. */
const MAX_REJECTIONS = 1000;

/** Applies a message that could not be read. Its sender serves the run no longer: what it ran, and what the message said, is unknown. */
export function messageRejected(state: RunState, { agent, why, problem }: EventOf<'message-rejected'>): void {
  reject(state, agent, why);
  // It was read before, so nothing is lost.
  if (why === 'repeated') return;
  const sender = agent === null ? undefined : state.agents.get(agent);
  if (sender === undefined) return;
  // Once an agent has joined with a trusted key, such messages come from another sender. Anyone can send an expired certificate.
  if ((why === 'not-trusted' || why === 'expired') && sender.joinedAt !== null) return;
  sender.conduct.unreadable ??= problem;
}

export function reject(state: RunState, agent: AgentId | null, why: RejectionCause): void {
  const isFull = state.rejections.size >= MAX_REJECTIONS && !state.rejections.has(keyOf(agent, why));
  const key = isFull ? keyOf(null, why) : keyOf(agent, why);
  state.rejections.set(key, { agent: isFull ? null : agent, why, messages: (state.rejections.get(key)?.messages ?? 0) + 1 });
}

/** `agent a1`, `an unknown sender`. */
export const senderWords = (agent: AgentId | null): string => (agent === null ? 'an unknown sender' : `agent ${agent}`);

/** Whether the state has one message of this sender that was rejected for this cause. */
export const isFirstRejection = ({ rejections }: RunState, { agent, why }: EventOf<'message-rejected'>): boolean =>
  rejections.get(keyOf(agent, why))?.messages === 1;

const keyOf = (agent: AgentId | null, why: RejectionCause): string => `${why} ${agent ?? ''}`;

/** Events that still wait for their agents to join are rejected in the end. */
export function rejectionsOf({ rejections, waiting }: RunState): readonly Rejection[] {
  const counts = new Map(rejections);
  for (const event of waiting) {
    const agent = senderOf(event)?.agent ?? null;
    const key = keyOf(agent, 'not-joined');
    counts.set(key, { agent, why: 'not-joined', messages: (counts.get(key)?.messages ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** The agent of an event that only an agent that serves the run can send; null for other events. */
export function senderOf(event: CoordinatorEvent): { readonly agent: AgentId; readonly event: RunEvent } | null {
  switch (event.kind) {
    case 'attempt-started':
    case 'attempt-reported':
    case 'attempt-ended':
    case 'agent-draining':
    case 'agent-left':
    case 'session-ended':
    case 'suite-listed':
    case 'suite-inseparable':
      return { agent: event.agent, event };
    case 'coverage-kept':
      return { agent: event.coverage.agent, event };
    default:
      return null;
  }
}
