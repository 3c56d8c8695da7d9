// Gives up shards that have used all their attempts; their missing tests are not run.

import { type AttemptRecord, attemptsOf, hasEnded, type ShardRecord } from '../state/records.ts';
import { lacksOnlySerial } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import type { Action } from './actions.ts';

/** Returns a give-up for each open shard whose attempts have all ended and are used up. */
export const decideGiveUps = (state: RunState, open: readonly ShardRecord[]): readonly Action[] =>
  open
    .filter((record) => record.state.kind === 'open' && hasEnded(record) && isUsedUp(state, record))
    .map(({ shard }) => ({ kind: 'give-up-shard', shard: shard.id, why: 'crash-limit' }));

/**
 * A shard may be lost this many times per allowed execution while it runs. Agents die of other causes too, but a shard that kills every
 * agent must stop.
 */
const LOSSES_PER_EXECUTION = 3;

/**
 * A shard may be lost this many times per allowed execution before an agent reports that it has begun. That is no fault of its tests, but
 * such losses may have a cause that stays, and no run may go on for ever.
 */
const UNBEGUN_PER_EXECUTION = 10;

/** Interrupted attempts do not count: after an agent's shutdown another attempt is fair, and maxfail closes the run. */
function isUsedUp(state: RunState, record: ShardRecord): boolean {
  // An attempt that left only serial tests did all its work, so only serial attempts count. A backup was the coordinator's choice and uses
  // up no attempt.
  const tries = attemptsOf(record).filter(({ role, isVoid }) => role !== 'backup' && !isVoid);
  const counted = lacksOnlySerial(state, record) ? tries.filter(({ role }) => role === 'serial') : tries;
  const endedBy = (attempt: AttemptRecord): string | null => (attempt.state.kind === 'ended' ? attempt.state.ending.kind : null);
  const executions = counted.filter((attempt) => !['interrupted', 'lost', null].includes(endedBy(attempt))).length;
  const lost = counted.filter((attempt) => endedBy(attempt) === 'lost');
  const begun = lost.filter(({ startedAt }) => startedAt !== null).length;
  const { attemptLimit } = state.opened;
  if (executions >= attemptLimit || begun >= attemptLimit * LOSSES_PER_EXECUTION) return true;
  return lost.length - begun >= attemptLimit * UNBEGUN_PER_EXECUTION;
}
