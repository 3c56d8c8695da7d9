// Events of agents that have not joined the run. Redis can lose the message of an agent that it joins; the agent then sends it again, after
// others. A sender that never joins changes nothing.

import type { RunEvent } from '../../../../shared/domain/events.ts';
import type { AgentId } from '../../../../shared/domain/ids.ts';
import type { CoordinatorEvent } from '../events.ts';
import type { RunState } from '../run-state.ts';
import { reject, senderOf } from './rejections.ts';

/** Maximum number of events that wait; an honest agent sends a few before it joins again. */
const MOST_WAITING = 1000;

/** An honest agent answers within a round trip. */
const ASK_AGAIN_MS = 5000;
/** Maximum number of agents that one run asks: anyone who can write to Redis can invent senders. */
const MOST_ASKED = 1000;

/** Keeps the event if its agent has to join before it counts. False for every other event. */
export function waitsForJoin(state: RunState, event: CoordinatorEvent): boolean {
  const sender = senderOf(event);
  if (sender === null || (state.agents.get(sender.agent)?.joinedAt ?? null) !== null) return false;
  if (state.waiting.length < MOST_WAITING) state.waiting.push(sender.event);
  else reject(state, sender.agent, 'not-joined');
  return true;
}

/** The agents whose events wait, and which have not been asked lately who they are. */
export function agentsToAsk({ waiting, askedAt, coordinatorAt }: RunState): readonly AgentId[] {
  const senders = new Set(waiting.flatMap((event) => senderOf(event)?.agent ?? []));
  const due = [...senders].filter((agent) => coordinatorAt - (askedAt.get(agent) ?? -Infinity) >= ASK_AGAIN_MS);
  return due.filter((agent, index) => askedAt.has(agent) || askedAt.size + index < MOST_ASKED);
}

/** Removes the events of an agent, in their order. */
export function takeWaiting(state: RunState, agent: AgentId): readonly RunEvent[] {
  const all = state.waiting.splice(0);
  const [own, others] = [all.filter((event) => senderOf(event)?.agent === agent), all.filter((event) => senderOf(event)?.agent !== agent)];
  state.waiting.push(...others);
  return own;
}
