// Why an agent was refused or quarantined, in words that its own user reads too.

import { assertNever } from '../../shared/assert-never.ts';
import type { AgentId } from '../../shared/ids.ts';
import type { DismissalCause } from './breaker.ts';
import type { RunState } from './run-state.ts';

/** A clause without a full stop; `state` is as it was when the agent was dismissed, or later. */
export function whyDismissed({ agents }: RunState, agent: AgentId, why: DismissalCause): string {
  const record = agents.get(agent);
  switch (why) {
    case 'failures':
      return `its last ${record?.conduct.streak.length ?? 0} tests failed while other agents' tests pass`;
    case 'not-started':
      return `its last ${record?.conduct.notStarted ?? 0} sessions did not start while those of other agents do`;
    case 'fingerprint':
      return differsIn(record?.differences.refused ?? []);
    case 'collection':
      return `it could not collect ${record?.conduct.contradicted?.file ?? 'a file'}, and agent ${record?.conduct.contradicted?.by ?? 'another'} could`;
    default:
      return assertNever(why);
  }
}

export const differsIn = (differences: readonly string[]): string => `its workspace differs from the run's: ${differences.join('; ')}`;
