// Counts the messages of a run's stream that do not count, by sender and cause.

import type { AgentId } from '../../../../shared/domain/ids.ts';
import type { Rejection, RejectionCause } from '../../../../shared/domain/report.ts';
import type { EventOf } from '../events.ts';
import type { RunState } from '../run-state.ts';

/** Maximum number of senders and causes that are counted one by one; the rest counts under no sender. */
const MAX_REJECTIONS = 1000;

/** Applies a message that could not be read. Its sender serves the run no longer: what it ran, and what the message said, is unknown. */
export function messageRejected(state: RunState, { agent, why, problem }: EventOf<'message-rejected'>): void {
  reject(state, agent, why);
  const sender = agent === null ? undefined : state.agents.get(agent);
  if (sender === undefined) return;
  sender.conduct.unreadable ??= problem;
}

export function reject(state: RunState, agent: AgentId | null, why: RejectionCause): void {
  const isFull = state.rejections.size >= MAX_REJECTIONS && !state.rejections.has(keyOf(agent, why));
  const key = isFull ? keyOf(null, why) : keyOf(agent, why);
  state.rejections.set(key, { agent: isFull ? null : agent, why, messages: (state.rejections.get(key)?.messages ?? 0) + 1 });
}

const keyOf = (agent: AgentId | null, why: RejectionCause): string => `${why} ${agent ?? ''}`;

export const rejectionsOf = ({ rejections }: RunState): readonly Rejection[] => [...rejections.values()];
