// Measures how fast a run really is: predicted against measured time, the work left, and the slots for it.

import type { AgentId } from '../../../shared/domain/ids.ts';
import { type AttemptRecord, attemptsOf, type ShardRecord } from '../state/records.ts';
import { lacksOnlySerial, leftSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import { addFor, agentsOf, measuredSecondsOf, type Seconds } from '../state/shard-index.ts';

/**
 * Weight of the prediction: it counts as if this part of all work had been measured exactly as predicted. This damps the first few files.
 */
const BELIEF = 0.05;

/** Measured seconds per predicted second: 1 if predictions hold, 2 if all takes twice as long. */
export const paceOf = (state: RunState): number => pacesOf(state)(null);

/** Returns a function that gives the pace without the shards that an agent ran; null leaves out none. The index has the sums of done shards. */
export function pacesOf(state: RunState): (except: AgentId | null) => number {
  const { begun, done, predictedSeconds } = state.index;
  const all = { ...done.all };
  const byAgent = new Map<AgentId, Seconds>();
  for (const record of begun) {
    const seconds = {
      predicted: record.shard.predictedSeconds - leftSeconds(state, record),
      measured: measuredSecondsOf(record),
    };
    all.predicted += seconds.predicted;
    all.measured += seconds.measured;
    for (const agent of agentsOf(record)) addFor(byAgent, agent, seconds);
  }
  const belief = predictedSeconds * BELIEF;
  return (except) => {
    const own = except === null ? [] : [done.byAgent.get(except), byAgent.get(except)];
    const measured = own.reduce((sum, each) => sum - (each?.measured ?? 0), all.measured);
    const predicted = own.reduce((sum, each) => sum - (each?.predicted ?? 0), all.predicted);
    return belief === 0 ? 1 : (Math.max(0, measured) + belief) / (Math.max(0, predicted) + belief);
  };
}

/** Work that cannot move to another slot, with its remaining seconds at the present pace. */
export interface Unit {
  readonly record: ShardRecord;
  readonly seconds: number;
  /** True if it runs alone, after everything else. */
  readonly isSerial: boolean;
}

/** Every shard that is neither done nor given up. Running attempts count as having progressed since their last event. */
export function unitsLeft(state: RunState, pace: number): readonly Unit[] {
  const units: Unit[] = [];
  for (const record of state.index.unsettled) {
    const seconds = leftSeconds(state, record) * pace - silentSeconds(state, record);
    units.push({ record, seconds: Math.max(0, seconds), isSerial: lacksOnlySerial(state, record) });
  }
  return units;
}

function silentSeconds(state: RunState, record: ShardRecord): number {
  const lastReportAt = attemptsOf(record).reduce<number>(
    (latest, { state: { kind }, lastReportAt: at }) => (kind === 'running' && at !== null ? Math.max(latest, at) : latest),
    Number.NEGATIVE_INFINITY,
  );
  return Number.isFinite(lastReportAt) ? Math.max(0, state.coordinatorAt - lastReportAt) / 1000 : 0;
}

export interface Slots {
  /** xdist workers of these agents; 0 while no agent has reported its count. */
  readonly workers: number;
  /** How many shards run at once. */
  readonly shards: number;
  readonly agents: number;
}

/** Slots of the living agents that take more attempts. */
export function slotsOf(state: RunState): Slots {
  const living = [...state.agents.values()].filter(
    ({ presence, isDraining, info }) => presence === 'alive' && !isDraining && info !== null,
  );
  const workers = living.reduce((sum, { info }) => sum + Math.max(1, info?.workers ?? 1), 0);
  return { workers, shards: workers, agents: living.length };
}

/** Attempts that are neither ended nor cancelled. */
export const liveAttempts = (state: RunState): readonly AttemptRecord[] =>
  [...state.index.live].filter((attempt) => attempt.cancelledBy === null);
