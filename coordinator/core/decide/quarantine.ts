// Circuit breaker: quarantines an agent whose tests fail in a row while other agents' tests pass. Its failed tests run elsewhere.

import { isRefused, isServing, isWell, takesWork } from '../state/conduct.ts';
import type { DismissalCause } from '../state/events.ts';
import type { AgentRecord } from '../state/records.ts';
import type { RunState } from '../state/run-state.ts';
import type { Action } from './actions.ts';

/** This many failures in a row, over this many files, point to the agent: a test that is broken itself fails on every agent. */
const FAILURES_IN_A_ROW = 10;
const FILES_IN_A_ROW = 3;
/** This many attempts in a row that an agent took without a message that counts. A single one may be lost with a connection. */
const UNHEARD_IN_A_ROW = 5;
/** This many attempts in a row for which the agent could not start a session. */
const STARTS_IN_A_ROW = 3;

/**
 * Returns the dismissals that are due. Refused agents always go, and so do those whose messages cannot be read or do not count: their results
 * are lost. Broken agents go only if a healthier one stays: the last result of another living agent was no failure, or that agent collected
 * what this one could not.
 */
export function decideDismissals(state: RunState): readonly Action[] {
  const refused = [...state.agents.values()].filter(
    (agent) => agent.presence === 'alive' && agent.conduct.dismissedFor === null && isRefused(state, agent),
  );
  const unreadable = [...state.agents.values()].filter((agent) => isServing(state, agent) && isUncounted(agent));
  const serving = [...state.agents.values()].filter((agent) => isServing(state, agent) && !isUncounted(agent));
  const working = serving.filter((agent) => takesWork(state, agent));
  const well = working.filter(isWell);
  /** True if another agent is in the list. Two entries are enough to know: a run may have thousands. */
  const hasOther = (agents: readonly AgentRecord[], agent: AgentRecord): boolean => agents.slice(0, 2).some((other) => other !== agent);
  const broken = serving.flatMap((agent): Action[] => {
    const why =
      agent.conduct.contradicted !== null && hasOther(working, agent) ? 'collection' : hasOther(well, agent) ? causeFor(agent) : null;
    return why === null ? [] : [{ kind: 'dismiss-agent', agent: agent.id, why }];
  });
  return [
    ...refused.map(({ id }): Action => ({ kind: 'dismiss-agent', agent: id, why: 'fingerprint' })),
    ...unreadable.map(({ id }): Action => ({ kind: 'dismiss-agent', agent: id, why: 'messages' })),
    ...broken,
  ];
}

/** True if the agent's messages do not count. One that may be forged is not enough: the agent must also take attempts that are lost. */
const isUncounted = ({ conduct: { unreadable, doubted, unheard } }: AgentRecord): boolean =>
  unreadable !== null || (doubted !== null && unheard >= UNHEARD_IN_A_ROW);

function causeFor({ conduct: { streak, notStarted } }: AgentRecord): DismissalCause | null {
  if (notStarted >= STARTS_IN_A_ROW) return 'not-started';
  const isStreak = streak.length >= FAILURES_IN_A_ROW && new Set(streak.map(({ file }) => file)).size >= FILES_IN_A_ROW;
  return isStreak ? 'failures' : null;
}
