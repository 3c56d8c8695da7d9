// Counts the attempts in the queues of a run, and estimates when one more of them would begin: admission.ts keeps the queues short. Agents with
// the same labels have a queue of their own, their lane, besides the queue of all agents.

import { type AttemptRecord, attemptsOf, type ShardRecord } from '../state/records.ts';
import type { RunState } from '../state/run-state.ts';
import { isSameLane, lanesOf, leastLoaded } from './needs/placement.ts';
import { liveAttempts, slotsOf } from './pace.ts';

/** Attempts that wait in a queue per slot, so that no slot is idle between the end of its attempt and the next decision. */
const WAITING_PER_SLOT = 1;

/** `labels` are those that an attempt needs; empty for one that every agent can run. Call it only with labels that an agent has. */
export interface Queues {
  /** Whether one more attempt may be enqueued. A full lane takes no room from the other agents. */
  hasRoom(labels: readonly string[]): boolean;
  hasIdleSlot(labels: readonly string[]): boolean;
  /** Seconds until one more attempt would begin. */
  beginsInSeconds(labels: readonly string[]): number;
  /** The shard's attempt, which is queued or runs, has these seconds left. */
  addSeconds(record: ShardRecord, seconds: number): void;
  /** One more attempt is enqueued. */
  add(labels: readonly string[], seconds: number): void;
}

export function queuesOf(state: RunState): Queues {
  const { workers, agents } = slotsOf(state);
  const lanes = lanesOf(state).map((load) => ({ ...load, seconds: 0 }));
  const all = { live: liveAttempts(state).filter((attempt) => attempt.lane === null && usesSlot(state, attempt)).length, seconds: 0 };
  const laneWith = (labels: readonly string[]) => (labels.length === 0 ? null : leastLoaded(lanes, labels));
  const isIdle = (): boolean => lanes.reduce((sum, lane) => sum + Math.min(lane.live, lane.workers), all.live) < workers;
  /** Agents whose own lane is longer than the average do not help with the queue of all agents. */
  const secondsOfAll = (): number => {
    let seconds = lanes.reduce((sum, lane) => sum + lane.seconds, all.seconds);
    let helping = workers;
    for (const lane of lanes.toSorted((one, other) => other.seconds / other.workers - one.seconds / one.workers)) {
      if (lane.workers === helping || lane.seconds / lane.workers <= seconds / helping) break;
      seconds -= lane.seconds;
      helping -= lane.workers;
    }
    return seconds / helping;
  };
  let aheadOfAll: number | null = null;
  return {
    hasRoom(labels) {
      const used = lanes.reduce((sum, lane) => sum + Math.min(lane.live, mostIn(lane)), all.live);
      const lane = laneWith(labels);
      return used < mostIn({ workers, agents }) && (lane === null || lane.live < mostIn(lane));
    },
    hasIdleSlot(labels) {
      const lane = laneWith(labels);
      return isIdle() && (lane === null || lane.live < lane.workers);
    },
    beginsInSeconds(labels) {
      const lane = laneWith(labels);
      aheadOfAll ??= secondsOfAll();
      const inLane = lane === null || lane.live < lane.workers ? 0 : lane.seconds / lane.workers;
      return Math.max(isIdle() ? 0 : aheadOfAll, inLane);
    },
    addSeconds(record, seconds) {
      const attempt = attemptsOf(record).find((each) => each.state.kind !== 'ended');
      if (attempt === undefined) return;
      const { lane } = attempt;
      const queue = lane === null ? (usesSlot(state, attempt) ? all : undefined) : lanes.find((each) => isSameLane(each.lane, lane));
      if (queue !== undefined) queue.seconds += seconds;
      aheadOfAll = null;
    },
    add(labels, seconds) {
      const queue = laneWith(labels) ?? all;
      queue.live += 1;
      queue.seconds += seconds;
      aheadOfAll = null;
    },
  };
}

/** An agent takes one attempt more than it has xdist workers. */
const mostIn = ({ workers, agents }: { readonly workers: number; readonly agents: number }): number =>
  workers * (1 + WAITING_PER_SLOT) + agents;

/** What a draining agent still runs uses no slot of the others. */
const usesSlot = ({ agents }: RunState, { state }: AttemptRecord): boolean =>
  state.kind === 'enqueued' || state.agent === null || agents.get(state.agent)?.isDraining !== true;
