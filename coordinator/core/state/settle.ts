// When a shard is over: done with nothing missing, or given up with its attempts used up.

import type { AttemptId, ShardId } from '../../../shared/domain/ids.ts';
import { isToHalve } from '../decide/isolate-crash.ts';
import { isComplete, lacksOnlySerial } from './remaining-work.ts';
import { type AttemptRecord, attemptsOf, isUncollected, type RunState, type ShardRecord } from './run-state.ts';

/** Moves a shard on: to done when nothing is missing, to given-up when something is and its attempts are used up. */
export function settle(state: RunState, shard: ShardId, by: AttemptId): void {
  const record = state.shards.get(shard);
  if (record === undefined || (record.state.kind !== 'open' && record.state.kind !== 'given-up')) return;
  const { attempts } = record.state;
  if (isComplete(state, record) && (hasEnded(record) || isCollected(record))) record.state = { kind: 'done', attempts, accepted: by };
  else if (state.closed === null && hasEnded(record) && isUsedUp(state, record) && !isToHalve(state, record))
    record.state = { kind: 'given-up', attempts, why: 'crash-limit' };
}

/** Shards that were over because of an error that is dropped now: what they miss is due again, or comes from an attempt under way. */
export function reopen(state: RunState): void {
  for (const record of state.shards.values()) {
    if (record.state.kind !== 'done' && record.state.kind !== 'given-up') continue;
    if (isComplete(state, record) || (hasEnded(record) && isUsedUp(state, record))) continue;
    record.state = { kind: 'open', attempts: record.state.attempts };
  }
}

/** A file that failed to collect may still bring tests of its own, and one below it may be collected yet: what it holds is known at the attempt's end. */
const isCollected = (record: ShardRecord): boolean =>
  [...record.files.values()].every((progress) => !progress.collectFailed && !isUncollected(progress));

/** Is no attempt of this shard on its way? */
export const hasEnded = (record: ShardRecord): boolean => attemptsOf(record).every((attempt) => attempt.state.kind === 'ended');

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

/** Every open shard that waits for nothing any more. One with an attempt on its way is left to that attempt. */
export function settleAll(state: RunState): void {
  for (const record of state.shards.values()) {
    const last = attemptsOf(record).at(-1);
    if (last !== undefined && hasEnded(record)) settle(state, record.shard.id, last.id);
  }
}
