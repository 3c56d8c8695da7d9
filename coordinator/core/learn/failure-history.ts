// Estimates how likely each test is to fail from its past outcomes. order.ts uses the estimates.

import type { NodeId } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { FileProgress } from '../state/records.ts';
import { isFlaky } from '../state/results.ts';

/** Weight of the last run against all before it: a failure loses half its weight after two runs without one. */
const LAST_WEIGHT = 0.3;
/** A flaky test counts as half a failure: it failed, but then passed. */
const FLAKY = 0.5;
/** Below this chance a test counts as stable and its entry is dropped. */
const FORGOTTEN = 0.01;

/**
 * The file's recently failed tests, each with P = α·h + (1 − α)·P₋₁, where h is 1 if it failed in this run, ½ if it was flaky, else 0, and
 * α is 0.3 (Kim & Porter 2002, "A history-based test prioritization technique for regression testing in resource constrained environments":
 * exponential decay of past observations). A test that did not run keeps its chance.
 */
export function learnFailing(old: ReadonlyMap<NodeId, number>, parts: readonly FileProgress[]): ReadonlyMap<NodeId, number> {
  const failing = new Map(old);
  for (const { tests } of parts) {
    for (const test of tests.values()) {
      const { nodeid, accepted } = test;
      if (accepted === null) continue;
      const seen = isFlaky(test) ? FLAKY : Number(isFailure(accepted.result.outcome));
      const chance = LAST_WEIGHT * seen + (1 - LAST_WEIGHT) * (old.get(nodeid) ?? 0);
      if (chance < FORGOTTEN) failing.delete(nodeid);
      else failing.set(nodeid, chance);
    }
  }
  return failing;
}
