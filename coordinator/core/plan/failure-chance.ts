// Estimates from its last runs how likely a test is to fail. order.ts uses the estimates.

import type { LastRuns } from '../../../shared/domain/suite/timings.ts';

/** Weight of the last run against all before it: a failure loses half its weight after two runs without one. */
const LAST_WEIGHT = 0.3;
/** A test that passed when it ran again counts as half a failure. */
const RERUN = 0.5;

/**
 * The chance that the test fails in its next run, P = α·h + (1 − α)·P₋₁ over its last runs, where h is 1 if it failed, ½ if it passed when it
 * ran again, else 0, and α is 0.3 (Kim & Porter 2002, "A history-based test prioritization technique for regression testing in resource
 * constrained environments": exponential decay of past observations).
 */
export function chanceOfFailure(lastRuns: LastRuns): number {
  let chance = 0;
  for (const mark of lastRuns) chance = LAST_WEIGHT * (mark === 'F' ? 1 : mark === 'R' ? RERUN : 0) + (1 - LAST_WEIGHT) * chance;
  return chance;
}
