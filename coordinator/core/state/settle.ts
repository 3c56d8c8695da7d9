// Settles shards: moves them to done when complete, and reopens them when a dropped error leaves tests missing. give-up.ts decides which
// shards to give up.

import type { AttemptId, ShardId } from '../../../shared/domain/ids.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import { endWait } from './attempts/waits.ts';
import { moveShard } from './moves.ts';
import { allAttemptsOf, attemptsOf, hasEnded, isUncollected, type ShardRecord } from './records.ts';
import { isComplete } from './remaining-work.ts';
import type { RunState } from './run-state.ts';

/** Moves a shard to done when it lacks nothing. */
export function settle(state: RunState, shard: ShardId, by: AttemptId): void {
  const record = state.shards.get(shard);
  if (record === undefined || (record.state.kind !== 'open' && record.state.kind !== 'given-up')) return;
  const [first, ...rest] = record.state.attempts;
  if (first !== undefined && isComplete(state, record) && (hasEnded(record) || isCollected(record)))
    moveShard(state, record, { kind: 'done', attempts: [first, ...rest], accepted: by });
}

/** Reopens shards that ended because of an error that was dropped: an attempt under way or a new one runs their missing tests. */
export function reopen(state: RunState): void {
  for (const record of state.shards.values()) {
    if (record.state.kind !== 'done' && record.state.kind !== 'given-up') continue;
    if (isComplete(state, record)) continue;
    const [first, ...rest] = record.state.attempts;
    if (first !== undefined) moveShard(state, record, { kind: 'open', attempts: [first, ...rest] });
  }
}

/**
 * True if every file was collected without an error. A file that failed to collect may still report tests, and a file below it may still be
 * collected, so such a shard waits for the end of its attempts.
 */
const isCollected = (record: ShardRecord): boolean =>
  [...record.files.values()].every((progress) => !progress.collectFailed && !isUncollected(progress));

/** Settles every shard whose attempts have all ended; an attempt under way settles its shard itself. */
export function settleAll(state: RunState): void {
  for (const record of state.shards.values()) {
    const last = attemptsOf(record).at(-1);
    if (last !== undefined && hasEnded(record)) settle(state, record.shard.id, last.id);
  }
}

/** Gives the shard up: its missing tests are not run. Late results may still complete it. */
export function giveUp(state: RunState, shard: ShardId, why: NotRunReason): void {
  const record = state.shards.get(shard);
  if (record?.state.kind !== 'open' && record?.state.kind !== 'planned') return;
  endWait(record, state.coordinatorAt);
  moveShard(state, record, { kind: 'given-up', attempts: allAttemptsOf(record), why });
}
