// Agents that did not serve to the end, named where a run is over: a lost machine must not be found in a log only.

import type { Report, ReportedAgent } from '../../shared/report.ts';
import { oneLine, plural } from './harmless.ts';

/** Those that ended otherwise than they should, in the report's order. */
export const endedBadly = ({ agents }: Pick<Report, 'agents'>): readonly ReportedAgent[] => agents.filter(({ why }) => why !== null);

const heads: Readonly<Record<NonNullable<ReportedAgent['ended']>, string>> = {
  left: 'LEFT EARLY',
  lost: 'LOST',
  quarantined: 'QUARANTINED',
  'not-started': 'NOT STARTED',
};

/** `LOST agent a1 on box - it stopped answering 12.3 s into the run`. */
export const agentEndLines = (report: Pick<Report, 'agents'>): string[] =>
  endedBadly(report).map(
    ({ id, host, ended, why }) => `${heads[ended ?? 'lost']} agent ${oneLine(id)} on ${oneLine(host)} - ${oneLine(why ?? '')}`,
  );

/** `3 agents (1 lost)`. */
export function agentsWords(report: Pick<Report, 'agents'>): string {
  const ended = Map.groupBy(endedBadly(report), (agent) => heads[agent.ended ?? 'lost'].toLowerCase());
  const parts = [...ended].map(([how, agents]) => `${agents.length} ${how}`);
  return `${plural(report.agents.length, 'agent')}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}
