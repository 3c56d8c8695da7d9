// Chooses which due shards may start as a deadline approaches. Without a deadline all start at once, and the queue keeps the order.

import type { Order } from '../../../shared/domain/shard.ts';
import { inOrder } from '../plan/order.ts';
import { deadlineTimes } from '../state/deadline.ts';
import type { ShardRecord } from '../state/records.ts';
import { leftSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import { isLate } from './forecast.ts';
import { liveAttempts, paceOf, type Slots, slotsOf, type Unit, unitsLeft } from './pace.ts';

/** Attempts that wait in the queue per slot, so that no slot is idle between the end of its attempt and the next decision. */
const WAITING_PER_SLOT = 1;

/**
 * Returns those shards of `due` that may start now, in queue order. Under a deadline it enqueues only shards that will start soon, because
 * an enqueued shard can no longer be reordered. It skips shards that cannot end before the drain, unless no other shard is left and a slot
 * would be idle: tests that end before the interruption count even if their shard does not finish.
 */
export function admit(state: RunState, due: readonly ShardRecord[]): readonly ShardRecord[] {
  const times = deadlineTimes(state.opened);
  if (times === null || due.length === 0) return due;
  const slots = slotsOf(state);
  const live = liveAttempts(state).length;
  // An agent takes one attempt more than it has xdist workers.
  const room = slots.shards * (1 + WAITING_PER_SLOT) + slots.agents - live;
  if (room <= 0) return [];

  const pace = paceOf(state);
  const workersPerShard = slots.workers / slots.shards;
  const units = unitsLeft(state, pace);
  const waiting = new Set(due);
  const begun = units.filter(({ record }) => record.state.kind === 'open' && !waiting.has(record));
  let ahead = begun.reduce((sum, { seconds }) => sum + seconds, 0);
  let idle = slots.shards - live;
  const fits = (seconds: number): boolean => {
    const beginsAt = state.coordinatorAt + (idle > 0 ? 0 : (ahead / slots.workers) * 1000);
    return beginsAt + (seconds / workersPerShard) * 1000 <= times.drainAt;
  };

  const ordered = inOrder(due, orderOf(state, slots, units), (record) => ({
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

/** Uses the requested order. Default: longest first, or by value once the deadline cannot be met. */
function orderOf(state: RunState, slots: Slots, units: readonly Unit[]): Order {
  const { order } = state.opened;
  if (order !== null) return order;
  return isLate(state, slots, units) ? 'value' : 'longest';
}
