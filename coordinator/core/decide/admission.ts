// Decides which due shards may start as a deadline approaches. Without a deadline all may, and the queue keeps the order. It does not decide
// whether a shard gets what its tests need: grants.ts does, and asks here for each shard in turn.

import type { Order } from '../../../shared/domain/shard.ts';
import { inOrder } from '../plan/order.ts';
import { deadlineTimes } from '../state/deadline.ts';
import type { ShardRecord } from '../state/records.ts';
import { leftSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import { isLate } from './forecast.ts';
import { paceOf, slotsOf, type Unit, unitsLeft } from './pace.ts';
import { queuesOf } from './queues.ts';

/** `too-long`: the shard cannot end before the drain. `no-room`: enough shards are queued; what is queued can no longer be reordered. */
export type Admissibility = 'admissible' | 'no-room' | 'too-long';

export interface Admission {
  /** The due shards that may start now, in the order in which they are asked for. */
  readonly ordered: readonly ShardRecord[];
  /** Whether the shard may start if it has what it needs. Every other shard may: reruns and serial tests have rules of their own. */
  judge(record: ShardRecord): Admissibility;
  /**
   * Whether a slot would be idle without the shard. If no other shard starts, it then does although it is too long: tests that end before the
   * drain count.
   */
  fillsIdleSlot(record: ShardRecord): boolean;
  /** The shard starts. Only such shards use room and time. */
  start(record: ShardRecord): void;
}

const unlimited = (due: readonly ShardRecord[]): Admission => ({
  ordered: due,
  judge: () => 'admissible',
  fillsIdleSlot: () => false,
  start: () => undefined,
});

const labelsOf = ({ shard }: ShardRecord): readonly string[] => shard.needs?.labels ?? [];

/** Decides about the shards of `due`, which are in the order of the plan. */
export function admissionOf(state: RunState, due: readonly ShardRecord[]): Admission {
  const times = deadlineTimes(state.opened);
  if (times === null || due.length === 0) return unlimited(due);
  const queues = queuesOf(state);
  // Without room, a shard may still begin to wait for a label, or get the units for which it waits.
  const asking = queues.hasRoom([]) ? due : due.filter(({ shard }) => shard.needs !== undefined);
  if (asking.length === 0) return unlimited([]);

  const pace = paceOf(state);
  const units = unitsLeft(state, pace);
  for (const { record, seconds } of units) queues.addSeconds(record, seconds);
  const left = new Map(asking.map((record) => [record, leftSeconds(state, record)]));
  const secondsOf = (record: ShardRecord): number => (left.get(record) ?? 0) * pace;
  const ordered = inOrder(asking, orderOf(state, units), (record) => ({
    chance: (state.suite.failureChances ?? state.opened.failureChances)[record.shard.id] ?? 0,
    seconds: left.get(record) ?? 0,
  }));
  return {
    ordered,
    judge(record) {
      if (!left.has(record)) return 'admissible';
      const endsInSeconds = queues.beginsInSeconds(labelsOf(record)) + secondsOf(record);
      // Without agents, nothing is known about the end.
      if (!(state.coordinatorAt + endsInSeconds * 1000 <= times.drainAt)) return 'too-long';
      return queues.hasRoom(labelsOf(record)) ? 'admissible' : 'no-room';
    },
    fillsIdleSlot: (record) => queues.hasIdleSlot(labelsOf(record)),
    start(record) {
      if (left.has(record)) queues.add(labelsOf(record), secondsOf(record));
    },
  };
}

/** Uses the requested order. Default: longest first, or by value once the deadline cannot be met. */
function orderOf(state: RunState, units: readonly Unit[]): Order {
  const { order } = state.opened;
  if (order !== null) return order;
  return isLate(state, slotsOf(state), units) ? 'value' : 'longest';
}
