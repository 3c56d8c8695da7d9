// Describes how an agent ended, for the report, the progress lines and the agent's own user.

import { assertNever } from '../../../shared/assert-never.ts';
import type { UnfitCause } from '../../../shared/domain/events.ts';
import type { AgentId } from '../../../shared/domain/ids.ts';
import type { ReportedAgent } from '../../../shared/domain/report.ts';
import { isRefused } from '../state/conduct.ts';
import type { DismissalCause } from '../state/events.ts';
import type { AgentRecord } from '../state/records.ts';
import type { RunState } from '../state/run-state.ts';
import { causeOf } from './cause.ts';

type End = Pick<ReportedAgent, 'ended' | 'why'>;

/** Why an agent is refused or quarantined, as a clause without a full stop. `state` is the state at the dismissal or later. */
export function whyDismissed({ agents }: RunState, id: AgentId, why: DismissalCause): string {
  const agent = agents.get(id);
  if (agent === undefined) return 'unknown agent';
  const { conduct, differences } = agent;
  const isOut = conduct.dismissedFor !== null;
  switch (why) {
    case 'failures':
      return `its last ${isOut ? conduct.dismissedAfter : conduct.streak.length} tests failed while other agents' tests passed`;
    case 'not-started': {
      const times = isOut ? conduct.dismissedAfter : conduct.notStarted;
      const problem = conduct.problem === null ? '' : `: ${causeOf(conduct.problem)}`;
      return `pytest did not start there${times === 1 ? '' : ` ${times} times in a row`}${problem}`;
    }
    case 'fingerprint':
      return differsIn(differences.refused.join('; '));
    case 'collection':
      return `it could not collect ${conduct.contradicted?.file ?? 'a file'}, and agent ${conduct.contradicted?.by ?? 'another'} could`;
    case 'messages':
      return `its messages do not count: ${doubtIn(conduct.unreadable ?? conduct.doubted ?? '')}`;
    case 'other-list':
      return 'it collected other tests than the other agents';
    default:
      return assertNever(why);
  }
}

/** Without the words that every problem of a message begins with. */
const doubtIn = (problem: string): string => causeOf(problem.replace(/^Could not (?:trust|parse) [^:]*: /, '')).replace(/\.$/, '');

/** Why an agent could not serve the run at all, as a clause without a full stop. */
export const whyUnfit = (why: UnfitCause, problem: string): string => (why === 'fingerprint' ? differsIn(problem) : causeOf(problem));

const differsIn = (differences: string): string => `its workspace differs from the run's: ${differences}`;

/** `ended` is null for an agent that was still alive when the report was made; `why` is null for one that left normally. */
export function agentEnd(state: RunState, agent: AgentRecord): End {
  const { conduct, presence, unfit } = agent;
  if (unfit !== null) return unfitEnd(unfit.why, unfit.problem);
  if (isRefused(state, agent)) return { ended: 'refused', why: whyDismissed(state, agent.id, 'fingerprint') };
  if (conduct.dismissedFor !== null) return { ended: 'quarantined', why: whyDismissed(state, agent.id, conduct.dismissedFor) };
  switch (presence) {
    case 'alive':
      return { ended: null, why: null };
    case 'lost':
      return { ended: 'lost', why: `it stopped answering ${secondsIn(state, agent)} into the run` };
    case 'left':
      return { ended: 'left', why: leftEarly(state, agent) ? whyLeft(state, agent) : null };
    default:
      return assertNever(presence);
  }
}

export const unfitEnd = (why: UnfitCause, problem: string): End => ({
  ended: why === 'fingerprint' ? 'refused' : 'not-started',
  why: whyUnfit(why, problem),
});

const whyLeft = (state: RunState, agent: AgentRecord): string =>
  `it ${agent.isDraining ? 'was drained and ' : ''}left ${secondsIn(state, agent)} into the run, before its end`;

/** True if the agent left before the run closed. */
const leftEarly = ({ closed, coordinatorAt }: RunState, { goneAt }: AgentRecord): boolean =>
  goneAt !== null && goneAt < (closed?.at ?? coordinatorAt);

const secondsIn = ({ opened }: RunState, { goneAt }: AgentRecord): string =>
  `${(Math.max(0, (goneAt ?? opened.startedAt) - opened.startedAt) / 1000).toFixed(1)} s`;
