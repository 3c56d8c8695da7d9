// Counts the messages of a run's stream that do not count, by sender and cause.

import type { RunEvent } from '../../../../shared/domain/events.ts';
import type { AgentId } from '../../../../shared/domain/ids.ts';
import type { Rejection, RejectionCause } from '../../../../shared/domain/report.ts';
import type { CoordinatorEvent, EventOf } from '../events.ts';
import type { AgentRecord } from '../records.ts';
import type { RunState } from '../run-state.ts';
import { noteNumber, signs } from './batch-numbers.ts';

/** Maximum number of senders and causes that are counted one by one; the rest counts under no sender. */
const MAX_REJECTIONS = 1000;

/**
 * Applies a message that could not be read. Its sender serves the run no longer: what it ran, and what the message said, is unknown. The same
 * applies to the sender of a message whose certificate has expired, because none of its later messages will count.
 */
export function messageRejected(state: RunState, { agent, why, problem, from }: EventOf<'message-rejected'>): void {
  reject(state, agent, why);
  // It was read before, so nothing is lost.
  if (why === 'repeated') return;
  if (from !== undefined) noteNumber(state, from);
  const sender = agent === null ? undefined : state.agents.get(agent);
  if (sender === undefined) return;
  if (from === undefined && mayBeForged(state, sender, why)) sender.conduct.doubted = problem;
  else sender.conduct.unreadable ??= problem;
}

/** Without its signature, anyone can send a message in the name of an agent that signs, or that has joined with a trusted key. */
const mayBeForged = (state: RunState, { id, joinedAt }: AgentRecord, why: RejectionCause): boolean =>
  signs(state, id) || ((why === 'not-trusted' || why === 'expired') && joinedAt !== null);

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
