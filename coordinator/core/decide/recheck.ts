// Rechecks collection errors that may be the agent's fault: another agent collects the same file. Success blames the first agent and drops
// the error; failure blames the suite. Until then, or without another agent, the error counts. With `--collect suite` the agents' lists
// decide instead. If alike agents differ, imports depend on what the process imported before: the suite is not separable.

import type { AgentId, ShardId } from '../../../shared/domain/ids.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import { othersOf, recheckIn, TRIED_PER_AGENT } from '../state/collection/doubts.ts';
import { isSuite } from '../state/collection/suite.ts';
import { isServing, takesWork } from '../state/conduct.ts';
import { type AgentRecord, allAttemptsOf, type Doubt, type ShardRecord } from '../state/records.ts';
import { isComplete, unfinishedSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import type { Action } from './actions.ts';

/** Rechecks per error; a recheck may crash or be lost with its agent. */
const RECHECKS = 3;

const isUnderWay = ({ rechecks }: Doubt): boolean => rechecks.some((attempt) => attempt.state.kind !== 'ended');

/** True if the error may still turn out to be its agent's fault. */
function isOpen(state: RunState, doubt: Doubt): boolean {
  const agent = state.agents.get(doubt.agent);
  if (agent !== undefined && isToBlame(state, agent)) return true;
  if (isSuite(state)) return othersOf(state, doubt.agent).some(({ id }) => !state.suite.lists.has(id));
  if (othersOf(state, doubt.agent).length === 0 || recheckIn(state, doubt) === null) return false;
  return isUnderWay(doubt) || doubt.rechecks.length < RECHECKS;
}

/** Errors that do not yet count against a limit of failures. */
export function openDoubts(state: RunState): readonly Doubt[] {
  // If no agent takes attempts, no error can be rechecked.
  if (state.doubts.size === 0 || [...state.agents.values()].filter((agent) => takesWork(state, agent)).length === 0) return [];
  return [...state.doubts.values()].filter((doubt) => isOpen(state, doubt));
}

/** True if an open error, or a failure of an agent to blame, may still change its outcome. */
export const isRechecking = (state: RunState): boolean =>
  openDoubts(state).length > 0 || [...state.agents.values()].some((agent) => isToBlame(state, agent));

/** True if the agent will be quarantined because another agent collected what it could not. */
export const isToBlame = (state: RunState, agent: AgentRecord): boolean =>
  agent.conduct.contradicted !== null && isServing(state, agent) && othersOf(state, agent.id).length > 0;

/** Errors due for a recheck now, by shard, within the limit of errors tried per agent. */
function dueDoubts(state: RunState): ReadonlyMap<ShardRecord, readonly Doubt[]> {
  const due = new Map<ShardRecord, Doubt[]>();
  if (isSuite(state)) return due;
  for (const [agent, doubts] of Map.groupBy(openDoubts(state), (doubt) => doubt.agent)) {
    if (othersOf(state, agent).length === 0) continue;
    const confirmed = state.agents.get(agent)?.conduct.confirmedErrors ?? 0;
    let room = TRIED_PER_AGENT - confirmed - doubts.filter(isUnderWay).length;
    for (const doubt of doubts) {
      const found = recheckIn(state, doubt);
      if (room <= 0 || isUnderWay(doubt) || found === null || !isAtRest(state, found.record)) continue;
      due.set(found.record, [...(due.get(found.record) ?? []), doubt]);
      room -= 1;
    }
  }
  return due;
}

const isAtRest = (state: RunState, record: ShardRecord): boolean =>
  (record.state.kind === 'done' || record.state.kind === 'given-up' || (record.state.kind === 'planned' && isComplete(state, record))) &&
  allAttemptsOf(record).every(({ role, state: its }) => role !== 'recheck' || its.kind === 'ended');

/** Returns the rechecks to start now. */
export const decideRechecks = (state: RunState): readonly Action[] =>
  [...dueDoubts(state).keys()].map(({ shard }) => ({ kind: 'start-attempt', shard: shard.id, role: 'recheck' }));

export interface RecheckWork {
  readonly selectors: readonly Selector[];
  readonly predictedSeconds: number;
  readonly avoid: readonly AgentId[];
}

/**
 * The work of the shard's next recheck and the agents that must avoid it. Agents with passed results are preferred: they have proved that
 * they can collect.
 */
export function recheckWork(state: RunState, shard: ShardId): RecheckWork {
  const doubts = [...dueDoubts(state)].find(([record]) => record.shard.id === shard)?.[1] ?? [];
  const found = doubts.flatMap((doubt) => recheckIn(state, doubt) ?? []);
  const accused = new Set(doubts.map(({ agent }) => agent));
  const others = [...state.agents.values()].filter((agent) => !accused.has(agent.id) && takesWork(state, agent));
  const proven = others.filter(({ conduct }) => conduct.passes > 0);
  const judges = new Set((proven.length > 0 ? proven : others).map(({ id }) => id));
  return {
    selectors: [...new Set(found.flatMap(({ progress }) => progress.selectors))],
    predictedSeconds: found.reduce((sum, { record, progress }) => sum + unfinishedSeconds(record, progress), 0),
    avoid: [...state.agents.values()].filter(({ id, presence }) => presence === 'alive' && !judges.has(id)).map(({ id }) => id),
  };
}
