// The circuit breaker: an agent whose tests fail in a row while others' pass is broken itself, and is taken out. What failed there is run again elsewhere.

import { isRefused, isServing, isWell } from '../state/conduct.ts';
import type { DismissalCause } from '../state/events.ts';
import type { AgentRecord } from '../state/records.ts';
import type { RunState } from '../state/run-state.ts';
import type { Action } from './actions.ts';

/** So many failures in a row, of so many files, are hardly the tests' doing: what is broken in one file fails wherever it runs. */
const FAILURES_IN_A_ROW = 10;
const FILES_IN_A_ROW = 3;
/** So many attempts in a row for which no session could be started. */
const STARTS_IN_A_ROW = 3;

/**
 * Agents to be taken out now: those that are refused, whatever others do; and those that are broken, as long as one is left that does better: the last
 * result of another living agent was no failure, or it collected what this one could not.
 */
export function decideDismissals(state: RunState): readonly Action[] {
  const refused = [...state.agents.values()].filter(
    (agent) => agent.presence === 'alive' && agent.conduct.dismissedFor === null && isRefused(state, agent),
  );
  const serving = [...state.agents.values()].filter((agent) => isServing(state, agent));
  const broken = serving.flatMap((agent): Action[] => {
    const others = serving.filter((other) => other !== agent);
    const why = agent.conduct.contradicted !== null && others.length > 0 ? 'collection' : others.some(isWell) ? causeFor(agent) : null;
    return why === null ? [] : [{ kind: 'dismiss-agent', agent: agent.id, why }];
  });
  return [...refused.map(({ id }): Action => ({ kind: 'dismiss-agent', agent: id, why: 'fingerprint' })), ...broken];
}

function causeFor({ conduct: { streak, notStarted } }: AgentRecord): DismissalCause | null {
  if (notStarted >= STARTS_IN_A_ROW) return 'not-started';
  const isStreak = streak.length >= FAILURES_IN_A_ROW && new Set(streak.map(({ file }) => file)).size >= FILES_IN_A_ROW;
  return isStreak ? 'failures' : null;
}
