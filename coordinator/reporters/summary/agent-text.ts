// Names the agents that did not serve to the end of the run. A user should not need the log to notice a lost machine.

import type { RejectionCause, Report, ReportedAgent } from '../../../shared/domain/report.ts';
import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import { senderWords } from '../../core/state/agents/rejections.ts';

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
    // The host of an agent whose messages do not count is not known.
    const on = agent.host === '' ? '' : ` on ${oneLine(agent.host)}`;
    return what === null ? [] : [`${head} agent ${oneLine(agent.id)}${on} - ${oneLine(what)}`];
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

/** Only a program that is no agent of the run sends these, or a defect. */
const FOREIGN = 'find out which other program writes to this Redis';

const rejections: Readonly<Record<RejectionCause, { readonly what: string; readonly fix: string }>> = {
  unreadable: { what: 'could not be read', fix: `run the same version of shardline everywhere, and ${FOREIGN}` },
  'other-version': { what: 'came from another version of shardline', fix: 'install the same version of shardline everywhere' },
  'not-trusted': {
    what: 'not signed with a key that the run trusts',
    fix: 'start the agent with --sign-key FILE, a key in the --trust file of the run, or append its public key to that file',
  },
  'not-joined': { what: 'it has not joined the run', fix: FOREIGN },
  'not-holding': { what: 'about attempts that it does not hold', fix: FOREIGN },
  'foreign-file': { what: 'about files of other shards', fix: FOREIGN },
  'too-many': { what: 'the run has too many agents', fix: 'use fewer agents, or another pool' },
  repeated: { what: 'it sent them before', fix: FOREIGN },
  expired: { what: 'the certificate of its key has expired', fix: 'certify the key for longer' },
};

/** `REJECTED 3 messages of agent a1 - could not be read. Fix: …`. */
export const rejectionLines = (report: Pick<Report, 'rejected'>): string[] => rejectionWords(report).map((words) => `REJECTED ${words}`);

/** `3 messages of agent a1 - could not be read. Fix: …`. */
export const rejectionWords = ({ rejected }: Pick<Report, 'rejected'>): string[] =>
  rejected.map(({ agent, why, messages }) => {
    const { what, fix } = rejections[why];
    return `${plural(messages, 'message')} of ${oneLine(senderWords(agent))} - ${what}. Fix: ${fix}.`;
  });

/** `MISSING 2 messages of agent a1 - …`. */
export const missingMessageLines = ({ missingMessages }: Pick<Report, 'missingMessages'>): string[] =>
  missingMessages.map(({ agent, messages }) => `MISSING ${plural(messages, 'message')} of agent ${oneLine(agent)} - ${MISSING_WHY}`);

/** An agent's own end of the run may have been among them. */
export const MISSING_WHY = 'deleted from Redis, or lost by it: they may have reported an error';
