// Names the agents that did not serve to the end of the run. A user should not need the log to notice a lost machine.

import type { RejectionCause, Report, ReportedAgent } from '../../../shared/domain/report.ts';
import { oneLine, plural } from '../../../shared/text/safe-text.ts';

/** Agents that ended early or abnormally, in the report's order. */
const endedBadly = ({ agents }: Pick<Report, 'agents'>): readonly ReportedAgent[] => agents.filter(({ why }) => why !== null);

const heads: Readonly<Record<NonNullable<ReportedAgent['ended']>, string>> = {
  left: 'LEFT EARLY',
  lost: 'LOST',
  quarantined: 'QUARANTINED',
  refused: 'REFUSED',
  'not-started': 'NOT STARTED',
};

/** `LOST agent a1 on box - it stopped answering 12.3 s into the run`: one line for each agent with a problem worth a line. */
export const agentEndLines = ({ agents }: Pick<Report, 'agents'>): string[] =>
  agents.flatMap((agent) => {
    const what = agentProblem(agent);
    const head = agent.why === null ? 'WARNING' : heads[agent.ended ?? 'lost'];
    return what === null ? [] : [`${head} agent ${oneLine(agent.id)} on ${oneLine(agent.host)} - ${oneLine(what)}`];
  });

/** Says why the agent did not serve to the end and how its workspace differs; null if neither applies. A refusal names what matters of it. */
export function agentProblem({ ended, why, differences }: Pick<ReportedAgent, 'ended' | 'why' | 'differences'>): string | null {
  const isKnown = differences.length === 0 || (ended === 'refused' && why !== null);
  const differs = isKnown ? [] : [`its workspace differs from the run's: ${differences.join('; ')}`];
  const parts = [...(why === null ? [] : [why]), ...differs];
  return parts.length === 0 ? null : parts.join('; ');
}

/** `3 agents (1 lost)`. */
export function agentsWords(report: Pick<Report, 'agents'>): string {
  const ended = Map.groupBy(endedBadly(report), (agent) => heads[agent.ended ?? 'lost'].toLowerCase());
  const parts = [...ended].map(([how, agents]) => `${agents.length} ${how}`);
  return `${plural(report.agents.length, 'agent')}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}

const rejections: Readonly<Record<RejectionCause, string>> = {
  unreadable: 'could not be read',
  'other-version': 'came from another version of shardline',
  'not-trusted': 'no trusted key has signed them',
  'not-joined': 'it has not joined the run',
  'not-holding': 'about attempts that it does not hold',
  'foreign-file': 'about files of other shards',
  'too-many': 'the run has too many agents',
  repeated: 'it sent them before',
  expired: 'the certificate of its key has expired; certify the key for longer',
};

/** `REJECTED 3 messages of agent a1 - could not be read`. */
export const rejectionLines = ({ rejected }: Pick<Report, 'rejected'>): string[] =>
  rejected.map(({ agent, why, messages }) => {
    const sender = agent === null ? 'an unknown sender' : `agent ${oneLine(agent)}`;
    return `REJECTED ${plural(messages, 'message')} of ${sender} - ${rejections[why]}`;
  });

/** `MISSING 2 messages of agent a1 - …`. */
export const missingMessageLines = ({ missingMessages }: Pick<Report, 'missingMessages'>): string[] =>
  missingMessages.map(({ agent, messages }) => `MISSING ${plural(messages, 'message')} of agent ${oneLine(agent)} - ${MISSING_WHY}`);

/** An agent's own end of the run may have been among them. */
export const MISSING_WHY = 'deleted from Redis, or lost by it: they may have reported an error';
