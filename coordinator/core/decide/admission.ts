// Which shards may begin, as a deadline comes nearer. Without one, all at once: the queue keeps the order.

import type { Order } from '../../../shared/domain/order.ts';
import { inOrder } from '../plan/order.ts';
import { deadlineTimes } from '../state/deadline.ts';
import type { ShardRecord } from '../state/records.ts';
import { leftSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import { forecast } from './forecast.ts';
import { liveAttempts, paceOf, slotsOf, unitsLeft } from './pace.ts';

/** How many attempts wait in the queue for each slot, so that none stands idle while the coordinator hears of its end and decides. */
const WAITING_PER_SLOT = 1;

/**
 * Of the shards that are `due` for an attempt, those that may have it now, in the order to be enqueued in. Under a deadline no more are enqueued than will soon begin, as what lies in the queue can no longer be
 * chosen; and none that cannot end before the drain begins, unless nothing that can is left and a slot would stand idle: tests that end before the
 * interruption count, even where their shard does not.
 */
export function admit(state: RunState, due: readonly ShardRecord[]): readonly ShardRecord[] {
  const times = deadlineTimes(state.opened);
  if (times === null || due.length === 0) return due;
  const slots = slotsOf(state);
  const live = liveAttempts(state).length;
  // An agent takes one attempt more than it has workers.
  const room = slots.shards * (1 + WAITING_PER_SLOT) + slots.agents - live;
  if (room <= 0) return [];

  const pace = paceOf(state);
  const workersPerShard = slots.workers / slots.shards;
  const begun = unitsLeft(state, pace).filter(({ record }) => record.state.kind === 'open' && !due.includes(record));
  let ahead = begun.reduce((sum, { seconds }) => sum + seconds, 0);
  let idle = slots.shards - live;
  const fits = (seconds: number): boolean => {
    const beginsAt = state.coordinatorAt + (idle > 0 ? 0 : (ahead / slots.workers) * 1000);
    return beginsAt + (seconds / workersPerShard) * 1000 <= times.drainAt;
  };

  const ordered = inOrder(due, orderOf(state), (record) => ({
    chance: (state.suite.failureChances ?? state.opened.failureChances)[record.shard.id] ?? 0,
    seconds: leftSeconds(state, record),
  }));
  const admitted: ShardRecord[] = [];
  for (const record of ordered) {
    const seconds = leftSeconds(state, record) * pace;
    if (admitted.length === room) return admitted;
    if (!fits(seconds)) continue;
    admitted.push(record);
    ahead += seconds;
    idle -= 1;
  }
  return admitted.length > 0 ? admitted : ordered.slice(0, Math.max(0, idle));
}

/** As asked; else longest first, and by value once not all of it can be done in time. */
function orderOf(state: RunState): Order {
  const { order } = state.opened;
  if (order !== null) return order;
  return (forecast(state)?.lateSeconds ?? 0) > 0 ? 'value' : 'longest';
}
