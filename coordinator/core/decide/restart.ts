// Decides whether a run collected by file restarts with the whole list, and how.

import { type RunId, runId } from '../../../shared/domain/ids.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { inseparableBecause, mismatchOf, mustNotRunTwice } from '../state/collection/suite.ts';
import type { RunOpened } from '../state/events.ts';
import type { RunState } from '../state/run-state.ts';

/**
 * The opening of the restarted run. null if nothing calls for a restart, the user has interrupted the run, Redis is lost, or a test that
 * must not run twice (`no_speculation`) has run.
 */
export function restartOf(state: RunState, at: number): RunOpened | null {
  const why = inseparableBecause(state)?.why ?? null;
  if (why === null || state.interruptedBy !== null || state.redisLost || mustNotRunTwice(state)) return null;
  const { opened, tests, suite } = state;
  let voidTests = 0;
  for (const { accepted } of tests.values()) if (accepted !== null) voidTests += 1;
  const mismatch = suite.inseparable === null ? mismatchOf(state) : null;
  const collection = { spec: { ...opened.spec, collect: 'suite' }, companions: [], loads: [] } as const;
  return { ...opened, ...collection, at, restarted: { why, voidTests, mismatch } };
}

/**
 * The spec under which agents find the run: an agent joins a run only once, so a run that restarted has a second id. Its keys in Redis, its
 * log there and its later records have that id too.
 */
export const announcedSpec = ({ spec, restarted }: RunOpened): RunSpec =>
  restarted === null ? spec : { ...spec, runId: restartedId(spec.runId) };

export const restartedId = (id: RunId): RunId => runId(`${id}-again`);
