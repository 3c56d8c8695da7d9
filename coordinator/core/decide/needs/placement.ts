// Decides which agents get an attempt whose tests need labels. Agents with the same labels share a queue, their lane.

import type { AttemptRole, Lane } from '../../../../shared/domain/attempt.ts';
import { allNeeds, excessNames, hasLabels, type Needs, NO_NEEDS } from '../../../../shared/domain/needs.ts';
import { sharesUnits } from '../../state/attempts/unit-claims.ts';
import { isServing, takesWork } from '../../state/conduct.ts';
import type { AgentRecord, AttemptRecord, ShardRecord } from '../../state/records.ts';
import type { RunState } from '../../state/run-state.ts';
import { liveAttempts } from '../pace.ts';
import { rerunWork } from '../rerun.ts';

/** What the shard's next attempt of this role needs. */
export function needsOf(state: RunState, record: ShardRecord, role: AttemptRole): Needs {
  const { needs = NO_NEEDS } = record.shard;
  if (role !== 'rerun' || [...record.files.values()].every((progress) => progress.needs.size === 0)) return needs;
  // A test may have run without its labels in the shard's needs, because its agent happened to have them.
  const named = rerunWork(state, record.shard.id).selectors.flatMap((selector) => (selector.kind === 'tests' ? selector.nodeids : []));
  const all = allNeeds(needs, ...[...record.files.values()].flatMap((progress) => named.flatMap((id) => progress.needs.get(id) ?? [])));
  // A rerun with too many names runs what the shard itself can; the failures of the others stay.
  return excessNames(all) === null ? all : needs;
}

const labelsOf = ({ info }: AgentRecord): Lane => info?.labels ?? [];

/** The agents of a lane, and its attempts. */
export interface LaneLoad {
  readonly lane: Lane;
  workers: number;
  agents: number;
  /** Attempts that are queued or run. */
  live: number;
}

/** The lanes of the agents that take attempts. */
export function lanesOf(state: RunState): readonly LaneLoad[] {
  const lanes = new Map<string, LaneLoad>();
  for (const agent of state.agents.values()) {
    if (agent.info === null || !takesWork(state, agent)) continue;
    const lane = labelsOf(agent);
    const known = lanes.get(laneKey(lane)) ?? { lane, workers: 0, agents: 0, live: 0 };
    known.workers += Math.max(1, agent.info.workers);
    known.agents += 1;
    lanes.set(laneKey(lane), known);
  }
  for (const { lane } of liveAttempts(state)) {
    const known = lane === null ? undefined : lanes.get(laneKey(lane));
    if (known !== undefined) known.live += 1;
  }
  return [...lanes.values()];
}

/** The lane with these labels that has the fewest attempts per xdist worker; null if none has them. */
export function leastLoaded<Load extends LaneLoad>(lanes: readonly Load[], labels: readonly string[]): Load | null {
  const load = ({ live, workers }: Load): number => live / workers;
  const able = lanes.filter(({ lane }) => hasLabels(lane, labels));
  // An agent with few labels can do less of the other work.
  return able.sort((left, right) => load(left) - load(right) || left.lane.length - right.lane.length)[0] ?? null;
}

/**
 * The lane for an attempt that needs these labels. null if no agent that takes attempts has them. Do not call it without labels: such an
 * attempt is for every agent.
 */
export const laneFor = (state: RunState, labels: readonly string[]): Lane | null => leastLoaded(lanesOf(state), labels)?.lane ?? null;

/** Whether an agent that takes attempts has these labels. */
export const isPlaceable = (state: RunState, labels: readonly string[]): boolean =>
  [...state.agents.values()].some((agent) => agent.info !== null && takesWork(state, agent) && hasLabels(labelsOf(agent), labels));

/** True if an agent has joined, so that it is known what the agents of the run can do. */
export const isAnyoneHere = (state: RunState): boolean =>
  [...state.agents.values()].some((agent) => agent.info !== null && isServing(state, agent));

/** True if an agent takes attempts. */
export const isAnyoneWorking = (state: RunState): boolean => [...state.agents.values()].some((agent) => takesWork(state, agent));

/**
 * Attempts in a queue whose agents are all gone or leave. In the queue of a lane, no agent would ever take them. In the queue of all
 * agents, they would keep units from other runs that have agents.
 */
export function stranded(state: RunState): readonly AttemptRecord[] {
  // Most runs have neither lanes nor shared resources, and many attempts in the queue of all agents.
  if (state.index.particular.size === 0) return [];
  const enqueued = [...state.index.particular].filter(({ state: its }) => its.kind === 'enqueued');
  const keeping =
    sharesUnits(state) && !isAnyoneWorking(state) ? enqueued.filter(({ lane, needs }) => lane === null && needs.resources.length > 0) : [];
  const waiting = enqueued.filter(({ lane }) => lane !== null);
  if (waiting.length === 0) return keeping;
  const present = new Set(
    [...state.agents.values()]
      .filter(({ presence, isDraining }) => presence === 'alive' && !isDraining)
      .map((agent) => laneKey(labelsOf(agent))),
  );
  return [...keeping, ...waiting.filter(({ lane }) => lane !== null && !present.has(laneKey(lane)))];
}

const laneKey = (lane: Lane): string => JSON.stringify(lane);

export const isSameLane = (one: Lane, other: Lane): boolean => laneKey(one) === laneKey(other);
