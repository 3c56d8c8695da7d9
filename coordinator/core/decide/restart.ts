// Whether a run that was collected by file begins anew with the whole list, and how.

import { runId } from '../../../shared/domain/ids.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { mustNotRunTwice, whyInseparable } from '../state/collection/suite.ts';
import type { RunOpened } from '../state/events.ts';
import type { RunState } from '../state/run-state.ts';

/**
 * The opening of the new beginning; null where there is none: nothing calls for it, the user has stopped the run, or a test ran that must not run twice
 * (`no_speculation`).
 */
export function restartOf(state: RunState, at: number): RunOpened | null {
  const why = whyInseparable(state);
  if (why === null || state.interruptedBy !== null || mustNotRunTwice(state)) return null;
  const { opened, tests, suite } = state;
  let voidTests = 0;
  for (const { accepted } of tests.values()) if (accepted !== null) voidTests += 1;
  const mismatch = suite.inseparable === null ? suite.mismatch : null;
  return { ...opened, at, spec: { ...opened.spec, collect: 'suite' }, restarted: { why, voidTests, mismatch } };
}

/** As it is announced: an agent joins a run once, so the new beginning has a name of its own. */
export const announcedAgain = (spec: RunSpec): RunSpec => ({ ...spec, runId: runId(`${spec.runId}-again`) });
