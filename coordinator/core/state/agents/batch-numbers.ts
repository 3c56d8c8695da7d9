// The numbers of agents' batches, where every agent signs them: a number that is skipped belongs to a batch that is missing, and a number
// that comes again to a batch that was sent again.

import type { AgentId } from '../../../../shared/domain/ids.ts';
import type { BatchNumber } from '../events.ts';
import type { RunState } from '../run-state.ts';

/** True if a batch of this number, or a later one, was read before. Once Redis has lost data, the stream is read again, and nothing repeats. */
export const isRepeated = ({ numbers, hasLostMessages }: RunState, { agent, seq }: BatchNumber): boolean =>
  !hasLostMessages && seq <= (numbers.get(agent)?.last ?? 0);

/** True for an agent that signs what it sends. */
export const signs = ({ numbers }: RunState, agent: AgentId): boolean => (numbers.get(agent)?.last ?? null) !== null;

/** The run may require signatures from now on. Agents whose batches were read without their numbers begin to count with their next one. */
export function beginNumbers({ agents, numbers }: RunState): void {
  for (const { id, joinedAt } of agents.values()) if (joinedAt !== null && !numbers.has(id)) numbers.set(id, { last: null, missing: 0 });
}

/** Nothing is known of what a missing batch said: an error outside the tests, or a result that contradicts another one. */
export function noteNumber(state: RunState, { agent, seq }: BatchNumber): void {
  const known = state.numbers.get(agent) ?? { last: 0, missing: 0 };
  state.numbers.set(agent, known);
  if (known.last === null) known.last = seq;
  if (seq <= known.last) return;
  const missing = seq - known.last - 1;
  known.last = seq;
  known.missing += missing;
  if (missing > 0) state.changes.push({ kind: 'messages-missing', agent, messages: missing });
}
