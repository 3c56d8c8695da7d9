// Counts tests by outcome while a run is on.

import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import type { ResultAccepted } from '../../core/state/changes.ts';
import { finalResult, isFlaky } from '../../core/state/results.ts';
import type { RunState } from '../../core/state/run-state.ts';

/** Counts each test once, by its latest outcome. `flaky` counts tests that passed when re-run; these are in `outcomes` too. */
export interface Tally {
  readonly outcomes: Record<Outcome, number>;
  done: number;
  flaky: number;
}

export const failuresOf = ({ outcomes }: Tally): number => outcomes.failed + outcomes.error;

/** Counts all known results. */
export function tallyOf(state: RunState): Tally {
  const tally: Tally = { outcomes: { passed: 0, failed: 0, error: 0, skipped: 0, xfailed: 0, xpassed: 0 }, done: 0, flaky: 0 };
  for (const test of state.tests.values()) {
    const final = finalResult(test);
    if (final === null) continue;
    tally.done += 1;
    tally.outcomes[final.result.outcome] += 1;
    if (isFlaky(test)) tally.flaky += 1;
  }
  return tally;
}

/** Adds an accepted result to the tally in place. */
export function count(tally: Tally, { accepted, rerun }: ResultAccepted): void {
  const { outcome } = accepted.result;
  tally.outcomes[outcome] += 1;
  if (rerun === null) tally.done += 1;
  else {
    tally.outcomes[rerun.outcome] -= 1;
    if (!isFailure(outcome)) tally.flaky += 1;
  }
}
