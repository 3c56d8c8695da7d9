// Agents whose workspace was not the run's, or that did worse than others: one line each, in every form of a report.

import { assertNever } from '../../shared/assert-never.ts';
import type { AgentProblem, Report } from '../../shared/report.ts';
import { oneLine } from './harmless.ts';

/** `REFUSED agent far-1 - its workspace differs from the run's: commit …`. */
export const agentProblems = ({ agents }: Report): readonly string[] =>
  agents.flatMap(({ id, problems }) =>
    problems.map(({ kind, message }) => `${headOf(kind)} agent ${oneLine(id)} - ${messageOf(kind, message)}`),
  );

const messageOf = (kind: AgentProblem['kind'], message: string): string =>
  `${kind === 'differs' ? 'differs from the run: ' : ''}${oneLine(message)}`;

function headOf(kind: AgentProblem['kind']): string {
  switch (kind) {
    case 'refused':
      return 'REFUSED';
    case 'quarantined':
      return 'QUARANTINED';
    case 'not-started':
      return 'NOT STARTED';
    case 'differs':
      return 'WARNING';
    default:
      return assertNever(kind);
  }
}
