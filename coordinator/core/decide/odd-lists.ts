// Dismisses agents that collect other tests than the plan uses.

import type { AgentId } from '../../../shared/domain/ids.ts';
import { hasOddList } from '../state/collection/suite.ts';
import type { RunState } from '../state/run-state.ts';
import type { Action } from './actions.ts';

/** Returns a dismissal for each agent with another list, except agents that are `leaving` already. */
export function decideOddLists(state: RunState, leaving: ReadonlySet<AgentId>): readonly Action[] {
  return [...state.agents.values()].flatMap(({ id, presence, conduct }): Action[] => {
    const isOdd = presence === 'alive' && conduct.dismissedFor === null && !leaving.has(id) && hasOddList(state, id);
    return isOdd ? [{ kind: 'dismiss-agent', agent: id, why: 'other-list' }] : [];
  });
}
