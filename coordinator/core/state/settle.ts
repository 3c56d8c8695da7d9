// When a shard is done, and when one that was over is open again. When to give one up is give-up.ts's.

import type { AttemptId, ShardId } from '../../../shared/domain/ids.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import { moveShard } from './moves.ts';
import { attemptsOf, hasEnded, isUncollected, type ShardRecord } from './records.ts';
import { isComplete } from './remaining-work.ts';
import type { RunState } from './run-state.ts';

/** Moves a shard on to done when nothing of it is missing. */
export function settle(state: RunState, shard: ShardId, by: AttemptId): void {
  const record = state.shards.get(shard);
  if (record === undefined || (record.state.kind !== 'open' && record.state.kind !== 'given-up')) return;
  const { attempts } = record.state;
  if (isComplete(state, record) && (hasEnded(record) || isCollected(record)))
    moveShard(state, record, { kind: 'done', attempts, accepted: by });
}

/** Shards that were over because of an error that is dropped now: what they miss is due again, or comes from an attempt under way. */
export function reopen(state: RunState): void {
  for (const record of state.shards.values()) {
    if (record.state.kind !== 'done' && record.state.kind !== 'given-up') continue;
    if (isComplete(state, record)) continue;
    moveShard(state, record, { kind: 'open', attempts: record.state.attempts });
  }
}

/** A file that failed to collect may still bring tests of its own, and one below it may be collected yet: what it holds is known at the attempt's end. */
const isCollected = (record: ShardRecord): boolean =>
  [...record.files.values()].every((progress) => !progress.collectFailed && !isUncollected(progress));

/** Every open shard that waits for nothing any more. One with an attempt on its way is left to that attempt. */
export function settleAll(state: RunState): void {
  for (const record of state.shards.values()) {
    const last = attemptsOf(record).at(-1);
    if (last !== undefined && hasEnded(record)) settle(state, record.shard.id, last.id);
  }
}

/** What the shard still lacks is not run. Late results may still complete it. */
export function giveUp(state: RunState, shard: ShardId, why: NotRunReason): void {
  const record = state.shards.get(shard);
  if (record?.state.kind === 'open') moveShard(state, record, { kind: 'given-up', attempts: record.state.attempts, why });
}
