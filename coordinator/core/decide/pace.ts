// Measures how fast a run really is: predicted against measured time, the work left, and the slots for it.

import type { AgentId } from '../../../shared/domain/ids.ts';
import { type AttemptRecord, attemptsOf, type ShardRecord } from '../state/records.ts';
import { lacksOnlySerial, leftSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';

/**
 * Weight of the prediction: it counts as if this part of all work had been measured exactly as predicted. This damps the first few files.
 */
const BELIEF = 0.05;

/** Seconds of the shards that were begun. */
interface Measured {
  predicted: number;
  measured: number;
}

/** Measured seconds per predicted second: 1 if predictions hold, 2 if all takes twice as long. */
export const paceOf = (state: RunState): number => pacesOf(state)(null);

/** Returns a function that gives the pace without the shards that an agent ran; null leaves out none. Looks at each shard once. */
export function pacesOf(state: RunState): (except: AgentId | null) => number {
  const all: Measured = { predicted: 0, measured: 0 };
  const byAgent = new Map<AgentId, Measured>();
  let whole = 0;
  for (const record of state.shards.values()) {
    whole += record.shard.predictedSeconds;
    if (record.state.kind === 'planned' || record.state.kind === 'split') continue;
    const predicted = record.shard.predictedSeconds - leftSeconds(state, record);
    let measured = 0;
    for (const { collectSeconds, measuredSeconds } of record.files.values()) measured += (collectSeconds ?? 0) + measuredSeconds;
    all.predicted += predicted;
    all.measured += measured;
    for (const agent of agentsOf(record)) {
      const own = byAgent.get(agent);
      if (own === undefined) byAgent.set(agent, { predicted, measured });
      else {
        own.predicted += predicted;
        own.measured += measured;
      }
    }
  }
  const belief = whole * BELIEF;
  return (except) => {
    const own = except === null ? undefined : byAgent.get(except);
    const measured = all.measured - (own?.measured ?? 0);
    const predicted = all.predicted - (own?.predicted ?? 0);
    return belief === 0 ? 1 : (Math.max(0, measured) + belief) / (Math.max(0, predicted) + belief);
  };
}

const agentsOf = (record: ShardRecord): ReadonlySet<AgentId> =>
  new Set(attemptsOf(record).flatMap(({ state }) => (state.kind === 'enqueued' || state.agent === null ? [] : [state.agent])));

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
  for (const record of state.shards.values()) {
    if (record.state.kind !== 'planned' && record.state.kind !== 'open') continue;
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
