// Reports the tests whose attempts contradict each other.

import { pytestId } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Conflict } from '../../../shared/domain/report.ts';
import type { ConflictRecord } from '../state/records.ts';
import type { RunState } from '../state/run-state.ts';

/** Without those whose failure came from an agent that was dismissed: it fails tests that pass elsewhere. */
export const conflictsOf = (state: RunState): readonly Conflict[] =>
  state.conflicts.flatMap((conflict) => {
    const reported = asReported(conflict);
    const failing = isFailure(reported.first.outcome) ? reported.first : reported.second;
    return state.agents.get(failing.agent)?.conduct.dismissedFor == null ? [reported] : [];
  });

function asReported({ test, second }: ConflictRecord): Conflict {
  const { accepted } = test;
  const first = { agent: accepted?.agent ?? second.agent, outcome: accepted?.result.outcome ?? second.outcome };
  return { nodeid: pytestId(test.nodeid), first, second };
}
