// Finds stragglers that an idle slot should run a second time. The first result counts, and the other attempt is cancelled.

import { runsAlone } from '../../../shared/domain/attempt.ts';
import type { AgentId, TestFile } from '../../../shared/domain/ids.ts';
import { NO_NEEDS } from '../../../shared/domain/needs.ts';
import { type AttemptRecord, attemptsOf, isUncollected, type ShardRecord } from '../state/records.ts';
import { isUnfinished, leftSeconds } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import { liveAttempts, pacesOf } from './pace.ts';

/** An attempt this many times older than predicted is slow for a reason that will not pass … */
const AGE_MULTIPLE = 2;
/** … but a younger attempt than this is not worth a backup. */
const LEAST_AGE_SECONDS = 2;
/** All backups together may take this part of the run's work. */
const BUDGET_PART = 0.05;

/**
 * Shards that get a backup now, the most overdue first, one per idle slot (Dean & Ghemawat 2004: near the end of an operation, backup
 * executions of what is still in progress; Zaharia et al. 2008: judged by progress, capped, and not beside the first copy). Empty while
 * anything is queued. A shard gets one backup, and only if pytest reported that all its files may run twice.
 */
export function stragglers(state: RunState): readonly ShardRecord[] {
  if (!isNearEnd(state)) return [];
  const late = overdue(state);
  if (late.length === 0) return [];
  const idle = [...idleSlots(state, liveAttempts(state))].flatMap(([id, slots]) => (slots > 0 ? [{ id, slots }] : []));
  if (idle.length === 0) return [];
  let budgetSeconds = budgetLeft(state);
  const chosen: ShardRecord[] = [];
  for (const { record, agent, backupSeconds } of late) {
    const helper = idle.find((each) => each.id !== agent);
    if (helper === undefined || backupSeconds > budgetSeconds) continue;
    helper.slots -= 1;
    if (helper.slots === 0) idle.splice(idle.indexOf(helper), 1);
    budgetSeconds -= backupSeconds;
    chosen.push(record);
  }
  return chosen;
}

/**
 * Attempts that an agent holds without a free xdist worker while another agent has an idle slot. They are taken back and run there,
 * starting with the most recently taken, which would wait longest.
 */
export function waitingForNothing(state: RunState): readonly AttemptRecord[] {
  if (!isNearEnd(state)) return [];
  const live = liveAttempts(state);
  const idle = idleSlots(state, live);
  const room = [...idle.values()].reduce((sum, slots) => sum + Math.max(0, slots), 0);
  if (room === 0) return [];
  const heldBy = Map.groupBy(
    live.filter(({ state: { kind }, beganAt }) => kind === 'running' && beganAt === null),
    holderOf,
  );
  const waiting = [...idle].flatMap(([agent, slots]) => {
    const held = heldBy.get(agent) ?? [];
    const latestFirst = held.sort((left, right) => (right.startedAt ?? 0) - (left.startedAt ?? 0));
    return latestFirst.slice(0, Math.max(0, -slots)).filter(({ role, needs }) => !runsAlone(role) && needs === NO_NEEDS);
  });
  return waiting.slice(0, room);
}

/** True if the queue holds nothing that an idle slot could take instead. */
function isNearEnd(state: RunState): boolean {
  if (!state.opened.speculate) return false;
  for (const attempt of state.index.live) if (attempt.state.kind === 'enqueued' && attempt.cancelledBy === null) return false;
  for (const record of state.index.due) if (record.state.kind === 'planned') return false;
  return true;
}

/** Idle slots of each living agent, none of them on one that drains; below 0 if it holds more attempts than it has xdist workers. */
function idleSlots(state: RunState, live: readonly AttemptRecord[]): Map<AgentId, number> {
  const held = new Map<AgentId | null, number>();
  for (const attempt of live) held.set(holderOf(attempt), (held.get(holderOf(attempt)) ?? 0) + 1);
  const slots = new Map<AgentId, number>();
  for (const { id, presence, isDraining, info } of state.agents.values()) {
    if (presence !== 'alive' || info === null) continue;
    const free = Math.max(1, info.workers) - (held.get(id) ?? 0);
    slots.set(id, isDraining ? Math.min(0, free) : free);
  }
  return slots;
}

const holderOf = ({ state }: AttemptRecord): AgentId | null => (state.kind === 'enqueued' ? null : state.agent);

interface Overdue {
  readonly record: ShardRecord;
  readonly agent: AgentId;
  /** Seconds that a backup would take on another agent. */
  readonly backupSeconds: number;
  /** Age of the attempt as a multiple of its prediction. */
  readonly multiple: number;
}

function overdue(state: RunState): readonly Overdue[] {
  const found: Overdue[] = [];
  const paceWithout = pacesOf(state);
  const bound = new Set(state.opened.affinity.together.flat());
  for (const record of state.index.unsettled) {
    const attempts = attemptsOf(record);
    const running = attempts.filter((attempt) => attempt.state.kind !== 'ended');
    const [attempt] = running;
    if (record.state.kind !== 'open' || attempt?.state.kind !== 'running' || running.length > 1) continue;
    if (
      attempt.beganAt === null ||
      attempt.role === 'serial' ||
      attempt.needs !== NO_NEEDS ||
      attempts.some(({ role }) => role === 'backup')
    )
      continue;
    const { agent } = attempt.state;
    const ageSeconds = (state.coordinatorAt - attempt.beganAt) / 1000;
    if (ageSeconds < LEAST_AGE_SECONDS || !mayBackUp(state, record, bound)) continue;
    // Leave out this agent's own results: they would hide its slowness.
    const pace = paceWithout(agent);
    const multiple = ageSeconds / Math.max(record.shard.predictedSeconds * pace, 0.001);
    if (multiple < AGE_MULTIPLE) continue;
    found.push({ record, agent, multiple, backupSeconds: leftSeconds(state, record) * pace });
  }
  return found.sort((left, right) => right.multiple - left.multiple);
}

/** True if the missing tests are known and may run twice. A file bound to others must not run beside them, so its shard gets no backup. */
function mayBackUp(state: RunState, record: ShardRecord, bound: ReadonlySet<TestFile>): boolean {
  const files = [...record.files.values()].filter((progress) => isUnfinished(state, progress));
  return files.every(
    (progress) => !isUncollected(progress) && progress.mayBackUp && progress.serial.size === 0 && !bound.has(progress.file),
  );
}

function budgetLeft(state: RunState): number {
  let budgetSeconds = 0;
  for (const record of state.shards.values()) {
    budgetSeconds += record.shard.predictedSeconds * BUDGET_PART;
    for (const { role, seconds, state: its } of attemptsOf(record)) {
      if (role === 'backup') budgetSeconds -= seconds ?? (its.kind === 'ended' ? 0 : leftSeconds(state, record));
    }
  }
  return budgetSeconds;
}
