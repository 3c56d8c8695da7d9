// How an agent ended, as the report and the lines of a run name it.

import type { ReportedAgent } from '../../shared/report.ts';
import type { DismissalCause } from './breaker.ts';
import { causeOf } from './cause.ts';
import type { AgentRecord, RunState } from './run-state.ts';

/** `its last 10 tests failed while other agents' tests passed`: what an agent was quarantined for, after so many of them. */
export function dismissalWords(why: DismissalCause, times: number): string {
  if (why === 'other-list') return 'it collects other tests than the first agent';
  return why === 'failures'
    ? `its last ${times} tests failed while other agents' tests passed`
    : `pytest did not start there${times === 1 ? '' : ` ${times} times in a row`}`;
}

/** null for an agent that was still there when the report was made; `why` null for one that left in order. */
export function agentEnd(state: RunState, agent: AgentRecord): Pick<ReportedAgent, 'ended' | 'why'> {
  const { conduct, notStarted, presence } = agent;
  if (notStarted !== null) return { ended: 'not-started', why: causeOf(notStarted.problem) };
  if (conduct.dismissedFor !== null) {
    const problem = conduct.dismissedFor === 'not-started' && conduct.problem !== null ? `: ${causeOf(conduct.problem)}` : '';
    return { ended: 'quarantined', why: `${dismissalWords(conduct.dismissedFor, conduct.dismissedAfter)}${problem}` };
  }
  switch (presence) {
    case 'alive':
      return { ended: null, why: null };
    case 'lost':
      return { ended: 'lost', why: `it stopped answering ${secondsIn(state, agent)} into the run` };
    case 'left':
      return { ended: 'left', why: leftEarly(state, agent) ? `it left ${secondsIn(state, agent)} into the run, before its end` : null };
  }
}

/** Did the run go on without it? */
export const leftEarly = ({ closed, coordinatorAt }: RunState, { goneAt }: AgentRecord): boolean =>
  goneAt !== null && goneAt < (closed?.at ?? coordinatorAt);

const secondsIn = ({ opened }: RunState, { goneAt }: AgentRecord): string =>
  `${(Math.max(0, (goneAt ?? opened.startedAt) - opened.startedAt) / 1000).toFixed(1)} s`;
