// Applies the course of attempts: enqueued, taken, started, reporting, ended, lost and cancelled. attempt-progress.ts applies their reports.

import type { AttemptEnding } from '../../../../shared/domain/attempt.ts';
import type { AttemptEvent } from '../../../../shared/domain/events.ts';
import { type AgentId, fileOf, type TestFile } from '../../../../shared/domain/ids.ts';
import { NO_NEEDS } from '../../../../shared/domain/needs.ts';
import { reject } from '../agents/rejections.ts';
import { hasRoom, isReadable, knownAgent, noteAgentEvent, returned } from '../agents/roster.ts';
import { beginRecheck } from '../collection/doubts.ts';
import { isOfRefused, isRefused } from '../conduct.ts';
import type { EventOf } from '../events.ts';
import { addAttempt, cancelAttempt, moveAttempt } from '../moves.ts';
import type { AttemptRecord, ShardRecord } from '../records.ts';
import { beginRerun } from '../results.ts';
import type { RunState } from '../run-state.ts';
import { settle } from '../settle.ts';
import { observeWork } from '../worker-time.ts';
import { applyReport } from './attempt-progress.ts';
import { unitsTaken } from './unit-claims.ts';
import { endWait } from './waits.ts';

export function attemptEnqueued(state: RunState, event: EventOf<'attempt-enqueued'>): void {
  const { at, attempt: id, shard, fence, role, selectors, needs = NO_NEEDS, lane = null } = event;
  const record = state.shards.get(shard);
  if (record === undefined || (record.state.kind === 'split' && role !== 'rerun') || state.attempts.has(id)) return;
  const attempt: AttemptRecord = {
    id,
    shard,
    fence,
    role,
    state: { kind: 'enqueued' },
    startedAt: null,
    lastEventAt: null,
    firstTestAt: null,
    beganAt: null,
    lastReportAt: null,
    seconds: null,
    cancelledBy: null,
    holders: new Set(),
    isVoid: false,
    needs,
    lane,
    endedAt: null,
  };
  if (role === 'recheck') beginRecheck(state, attempt, selectors);
  if (role === 'rerun') beginRerun(state, attempt, selectors);
  state.firstEnqueuedAt ??= at;
  endWait(record, at);
  unitsTaken(state, id);
  addAttempt(state, record, attempt);
}

export function attemptTaken(state: RunState, { attempt: id, agent: taker }: EventOf<'attempt-taken'>): void {
  const attempt = state.attempts.get(id);
  if (attempt?.state.kind !== 'enqueued') return;
  if (!hasRoom(state, taker)) return;
  const agent = knownAgent(state, taker);
  // The event was seen before the agent left but arrived later; the agent has handed the attempt back since.
  if (agent.presence === 'left') return;
  attempt.holders.add(taker);
  moveAttempt(state, attempt, { kind: 'taken', agent: taker });
  returned(state, agent);
}

export function attemptStarted(state: RunState, { at, attempt: id, agent: starter }: EventOf<'attempt-started'>): void {
  const attempt = state.attempts.get(id);
  if (!isReadable(state, starter)) return;
  if (attempt === undefined) {
    reject(state, starter, 'not-holding');
    return;
  }
  const agent = noteAgentEvent(state, starter, at);
  noteAttemptEvent(attempt, at);
  agent.conduct.unheard = 0;
  attempt.holders.add(starter);
  attempt.startedAt ??= at;
  if (attempt.state.kind !== 'enqueued' && attempt.state.kind !== 'taken') return;
  moveAttempt(state, attempt, { kind: 'running', agent: starter });
  // An agent that left is never declared lost, so the run would wait for this attempt forever.
  if (agent.presence === 'left') endAttempt(state, attempt, starter, { kind: 'lost' });
  else returned(state, agent);
}

export function attemptReported(state: RunState, { agent, attempt: id, event }: EventOf<'attempt-reported'>): void {
  const attempt = state.attempts.get(id);
  const record = attempt === undefined ? undefined : state.shards.get(attempt.shard);
  if (!isReadable(state, agent)) return;
  if (attempt === undefined || record === undefined || !holds(state, attempt, agent)) {
    reject(state, agent, 'not-holding');
    return;
  }
  if (isForeign(state, record, fileIn(event))) {
    reject(state, agent, 'foreign-file');
    return;
  }
  const reporter = noteAgentEvent(state, agent, event.at);
  noteAttemptEvent(attempt, event.at);
  if (isRefused(state, reporter)) return;
  observeWork(state.work, agent, id, event);
  if (event.kind === 'test-started') attempt.firstTestAt ??= event.at;
  attempt.beganAt ??= state.coordinatorAt;
  attempt.lastReportAt = state.coordinatorAt;
  applyReport(state, record, { attempt: id, agent }, event);
}

export function attemptEnded(state: RunState, event: EventOf<'attempt-ended'>): void {
  const attempt = state.attempts.get(event.attempt);
  if (!isReadable(state, event.agent)) return;
  if (attempt === undefined || !holds(state, attempt, event.agent)) {
    reject(state, event.agent, 'not-holding');
    return;
  }
  const agent = noteAgentEvent(state, event.agent, event.at);
  noteAttemptEvent(attempt, event.at);
  if (attempt.seconds === null) {
    attempt.seconds = event.seconds;
    agent.attemptSeconds += event.seconds;
  }
  endAttempt(state, attempt, event.agent, event.ending);
}

/**
 * Whether the agent has held the attempt. An attempt without a holder is the first agent's that reports on it. Once Redis has lost messages,
 * every agent may hold an attempt that the run does not know of: no result that an agent has may be lost.
 */
function holds({ hasLostMessages }: RunState, { holders }: AttemptRecord, agent: AgentId): boolean {
  if (holders.size === 0 || hasLostMessages) holders.add(agent);
  return holders.has(agent);
}

/** True if the file is not of this shard and is of another one. pytest may find tests in files that are in no shard. */
function isForeign({ shards }: RunState, record: ShardRecord, file: TestFile): boolean {
  if (record.files.has(file)) return false;
  for (const other of shards.values()) if (other.files.get(file)?.selectors.length) return true;
  return false;
}

function fileIn(event: AttemptEvent): TestFile {
  if (event.kind === 'test-finished') return event.result.file;
  return event.kind === 'test-started' ? fileOf(event.nodeid) : event.file;
}

export function attemptLost(state: RunState, { attempt: id, agent }: EventOf<'attempt-lost'>): void {
  const attempt = state.attempts.get(id);
  if (attempt === undefined) return;
  const holder = agent === null ? undefined : state.agents.get(agent);
  if (holder?.presence === 'alive' && attempt.startedAt === null && attempt.state.kind !== 'ended') holder.conduct.unheard += 1;
  endAttempt(state, attempt, agent, { kind: 'lost' });
}

export function attemptCancelled(state: RunState, { attempt: id, by }: EventOf<'attempt-cancelled'>): void {
  const attempt = state.attempts.get(id);
  if (attempt !== undefined) cancelAttempt(state, attempt, by);
}

/** Ends every attempt that has not ended: after Redis was emptied, nothing is known of any of them. */
export function loseAttempts(state: RunState): void {
  for (const attempt of state.attempts.values()) endAttempt(state, attempt, agentAt(attempt), { kind: 'lost' });
}

/** Ends the attempts of an agent that is gone, or that may never report their end. */
export function loseAttemptsOf(state: RunState, agent: AgentId): void {
  for (const attempt of [...state.index.held]) {
    if (attempt.state.kind !== 'enqueued' && attempt.state.agent === agent) endAttempt(state, attempt, agent, { kind: 'lost' });
  }
}

/** Ends the attempt for this agent, if it has one, and settles its shard. The first ending counts. */
export function endAttempt(state: RunState, attempt: AttemptRecord, agent: AgentId | null, ending: AttemptEnding): void {
  if (attempt.state.kind === 'ended') return;
  const record = agent === null ? undefined : state.agents.get(agent);
  const isOut = agent !== null && isOfRefused(state, agent);
  if (isOut) attempt.isVoid = true;
  attempt.endedAt = state.coordinatorAt;
  // A refused agent's attempt counts as not run, whatever it reports.
  moveAttempt(state, attempt, { kind: 'ended', agent, ending: isOut ? { kind: 'lost' } : ending });
  if (ending.kind === 'not-started' && record !== undefined) {
    record.conduct.notStarted += 1;
    record.conduct.problem = ending.detail;
  }
  settle(state, attempt.shard, attempt.id);
}

const agentAt = ({ state }: AttemptRecord): AgentId | null => (state.kind === 'enqueued' ? null : state.agent);

function noteAttemptEvent(attempt: AttemptRecord, at: number): void {
  attempt.lastEventAt = Math.max(attempt.lastEventAt ?? at, at);
}
