// Which shards get no further attempt: what they lack is not run.

import { type AttemptRecord, attemptsOf, hasEnded, type ShardRecord } from '../state/records.ts';
import { lacksOnlySerial } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import type { Action } from './actions.ts';

/** Open shards whose attempts have all ended and are used up. */
export const decideGiveUps = (state: RunState, open: readonly ShardRecord[]): readonly Action[] =>
  open
    .filter((record) => record.state.kind === 'open' && hasEnded(record) && isUsedUp(state, record))
    .map(({ shard }) => ({ kind: 'give-up-shard', shard: shard.id, why: 'crash-limit' }));

/** How many times as often as it may be executed a shard may be lost while it ran: agents die of other causes too, but one that kills them all must end. */
const LOSSES_PER_EXECUTION = 3;

/** Being stopped is no sign that a shard cannot be run: an agent's shutdown leaves room for another attempt, maxfail closes the run. */
function isUsedUp(state: RunState, record: ShardRecord): boolean {
  // Attempts that left only what must run alone did all they had to do.
  // A backup was nobody's try but the coordinator's: it takes none away.
  const tries = attemptsOf(record).filter(({ role, isVoid }) => role !== 'backup' && !isVoid);
  const counted = lacksOnlySerial(state, record) ? tries.filter(({ role }) => role === 'serial') : tries;
  const endedBy = (attempt: AttemptRecord): string | null => (attempt.state.kind === 'ended' ? attempt.state.ending.kind : null);
  const executions = counted.filter((attempt) => !['interrupted', 'lost', null].includes(endedBy(attempt))).length;
  const losses = counted.filter((attempt) => endedBy(attempt) === 'lost' && attempt.startedAt !== null).length;
  const { attemptLimit } = state.opened;
  return executions >= attemptLimit || losses >= attemptLimit * LOSSES_PER_EXECUTION;
}
