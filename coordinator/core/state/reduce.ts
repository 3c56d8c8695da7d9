// Applies an event to a run's state. Total: duplicate, late, unknown and out-of-order events change nothing that is settled.
// Owns agents and attempts. attempt-progress.ts applies reports of files and tests, settle.ts settles shards, decide.ts decides what to do.

import { assertNever } from '../../../shared/assert-never.ts';
import type { AttemptEnding } from '../../../shared/domain/attempt.ts';
import { compareFingerprints, NO_DIFFERENCES } from '../../../shared/domain/fingerprint.ts';
import type { AgentId } from '../../../shared/domain/ids.ts';
import { tell } from './attempt-progress.ts';
import { type Change, OTHER } from './changes.ts';
import { beginRecheck, dropDoubtsOf } from './collection/doubts.ts';
import { applyList, applySuitePlan } from './collection/suite-plan.ts';
import { applyDismissal, isOfRefused, isRefused } from './conduct.ts';
import type { CoordinatorEvent } from './events.ts';
import { addAttempt, cancelAttempt, moveAgent, moveAttempt } from './moves.ts';
import { type AgentRecord, type AttemptRecord, newConduct } from './records.ts';
import { beginRerun } from './results.ts';
import { openRun, type RunState } from './run-state.ts';
import { giveUp, settle } from './settle.ts';
import { addShown } from './shown.ts';
import { applySplit } from './split-shard.ts';
import { observeWork } from './worker-time.ts';

type EventOf<Kind extends CoordinatorEvent['kind']> = Extract<CoordinatorEvent, { readonly kind: Kind }>;

/**
 * Changes `state` in place and returns the changes: a run has as many events as tests, and copying the state would take quadratic time.
 * Only the run loop and code that replays its events may hold a state. `openRun` begins a run; `run-opened` itself changes nothing.
 */
export function reduce(state: RunState, event: CoordinatorEvent): readonly Change[] {
  apply(state, event);
  // Reports of tests rarely affect a decision; those that do record their own change.
  if (event.kind !== 'attempt-told' && event.kind !== 'session-shown' && event.kind !== 'stream-read') state.changes.push(OTHER);
  return state.changes.splice(0);
}

function apply(state: RunState, event: CoordinatorEvent): void {
  switch (event.kind) {
    case 'run-opened':
      break;
    case 'agent-joined':
      agentJoined(state, event);
      break;
    case 'agent-unfit':
      agentUnfit(state, event);
      break;
    case 'agent-left':
      agentLeft(state, event);
      break;
    case 'suite-listed':
      if (mayServe(state, event)) applyList(state, event.agent, event.list);
      break;
    case 'suite-inseparable':
      if (mayServe(state, event)) state.suite[event.lacksModules ? 'lacksModules' : 'inseparable'] ??= event.why;
      break;
    case 'modules-needed':
      if (mayServe(state, event)) state.suite.needsModules ??= event.why;
      break;
    case 'run-restarted':
      Object.assign(state, openRun(event.opening));
      break;
    case 'suite-refused':
      if (mayServe(state, event)) state.suite.refusal ??= event.message;
      break;
    case 'coverage-kept':
      if (mayServe(state, { agent: event.coverage.agent, at: event.at })) state.coverage.kept.push(event.coverage);
      break;
    case 'session-shown':
      if (!isOfRefused(state, event.agent)) addShown(state.shown, event.agent, event.shown);
      break;
    case 'session-ended':
      if (mayServe(state, event)) endSession(state, event);
      break;
    case 'attempt-started':
      attemptStarted(state, event);
      break;
    case 'attempt-told':
      attemptTold(state, event);
      break;
    case 'attempt-ended':
      attemptEnded(state, event);
      break;
    case 'attempt-enqueued':
      passTime(state, event.at);
      attemptEnqueued(state, event);
      break;
    case 'suite-planned':
      passTime(state, event.at);
      applySuitePlan(state, event);
      break;
    case 'shard-given-up':
      passTime(state, event.at);
      giveUp(state, event.shard, event.why);
      break;
    case 'shard-split':
      passTime(state, event.at);
      applySplit(state, event.shard, event.into);
      break;
    case 'attempt-taken':
      passTime(state, event.at);
      attemptTaken(state, event);
      break;
    case 'agent-dismissed':
      passTime(state, event.at);
      applyDismissal(state, event.agent, event.why);
      dropDoubtsOf(state, event.agent);
      endService(state.agents.get(event.agent), event.at);
      break;
    case 'agent-lost':
      passTime(state, event.at);
      agentLost(state, event.agent, event.at);
      break;
    case 'agent-returned': {
      passTime(state, event.at);
      const agent = state.agents.get(event.agent);
      if (agent?.presence === 'lost') returned(state, agent);
      break;
    }
    case 'attempt-lost': {
      passTime(state, event.at);
      const attempt = state.attempts.get(event.attempt);
      if (attempt !== undefined) endAttempt(state, attempt, event.agent, { kind: 'lost' });
      break;
    }
    case 'redis-emptied':
      passTime(state, event.at);
      for (const attempt of state.attempts.values()) endAttempt(state, attempt, agentAt(attempt), { kind: 'lost' });
      break;
    case 'attempt-cancelled': {
      passTime(state, event.at);
      const attempt = state.attempts.get(event.attempt);
      if (attempt !== undefined) cancelAttempt(state, attempt, event.by);
      break;
    }
    case 'interrupt-requested':
      passTime(state, event.at);
      state.interruptedBy ??= event.by;
      break;
    case 'redis-lost':
      passTime(state, event.at);
      state.redisLost = true;
      break;
    case 'no-agent-can-come':
      passTime(state, event.at);
      state.noAgentCanCome ??= event.message;
      break;
    case 'run-resumed':
      passTime(state, event.at);
      // Agents may have been alive while no coordinator was watching, and others may still join.
      if (state.aloneSince !== null) state.aloneSince = state.coordinatorAt;
      state.noAgentCanCome = null;
      break;
    case 'forecast':
      passTime(state, event.at);
      state.forecastAt = Math.max(state.forecastAt ?? event.at, event.at);
      break;
    case 'coverage-combined':
      passTime(state, event.at);
      state.coverage.combined ??= event.coverage;
      break;
    case 'stream-read':
    case 'tick':
      passTime(state, event.at);
      break;
    case 'run-closed':
      passTime(state, event.at);
      state.closed ??= { at: event.at, why: event.why };
      break;
    default:
      assertNever(event);
  }
}

const agentAt = ({ state }: AttemptRecord): AgentId | null => (state.kind === 'enqueued' ? null : state.agent);

function passTime(state: RunState, at: number): void {
  state.coordinatorAt = Math.max(state.coordinatorAt, at);
}

function agentJoined(state: RunState, { at, agent: info }: EventOf<'agent-joined'>): void {
  const agent = hearAgent(state, info.id, at);
  if (agent.joinedAt !== null) return;
  agent.info = info;
  agent.joinedAt = at;
  if (!info.isLocal)
    agent.differences = compareFingerprints({ files: state.opened.spec.files, python: state.opened.python }, info.fingerprint);
  setPresence(state, agent, 'alive');
}

/** Records an agent that cannot serve the run. If it never joined, a run that waits for agents keeps waiting. */
function agentUnfit(state: RunState, { at, agent: id, host, why, problem, fingerprint }: EventOf<'agent-unfit'>): void {
  const agent = state.agents.get(id) ?? newAgent(id);
  state.agents.set(id, agent);
  agent.unfit ??= { why, problem, host, fingerprint };
  endService(agent, at);
  setPresence(state, agent, 'left');
}

function agentLeft(state: RunState, event: EventOf<'agent-left'>): void {
  const agent = hearAgent(state, event.agent, event.at);
  if (agent.left !== null) return;
  const { busySeconds, idleSeconds, peakRssBytes, cpuSeconds } = event;
  agent.left = { busySeconds, idleSeconds, peakRssBytes, cpuSeconds };
  endService(agent, event.at);
  setPresence(state, agent, 'left');
  for (const attempt of state.attempts.values()) {
    if (attempt.state.kind === 'taken' && attempt.state.agent === agent.id) moveAttempt(state, attempt, { kind: 'enqueued' });
    else if (attempt.state.kind === 'running' && attempt.state.agent === agent.id) endAttempt(state, attempt, agent.id, { kind: 'lost' });
  }
}

/** Ends the agent's service; the first end counts. */
function endService(agent: AgentRecord | undefined, at: number): void {
  if (agent !== undefined) agent.goneAt ??= at;
}

/** Marks a lost agent as alive again. A quarantined agent stays quarantined. */
function returned(state: RunState, agent: AgentRecord): void {
  if (agent.conduct.dismissedFor === null && agent.presence === 'lost') agent.goneAt = null;
  setPresence(state, agent, 'alive');
}

function agentLost(state: RunState, id: AgentId, at: number): void {
  const agent = state.agents.get(id);
  if (agent?.presence !== 'alive') return;
  endService(agent, at);
  setPresence(state, agent, 'lost');
  for (const attempt of state.attempts.values()) {
    const isIts = (attempt.state.kind === 'taken' || attempt.state.kind === 'running') && attempt.state.agent === id;
    if (isIts) endAttempt(state, attempt, id, { kind: 'lost' });
  }
}

function attemptEnqueued(state: RunState, { at, attempt: id, shard, fence, role, selectors }: EventOf<'attempt-enqueued'>): void {
  const record = state.shards.get(shard);
  if (record === undefined || (record.state.kind === 'split' && role !== 'rerun') || state.attempts.has(id)) return;
  const attempt: AttemptRecord = {
    id,
    shard,
    fence,
    role,
    state: { kind: 'enqueued' },
    startedAt: null,
    lastToldAt: null,
    firstTestAt: null,
    beganAt: null,
    heardAt: null,
    seconds: null,
    cancelledBy: null,
    isVoid: false,
  };
  if (role === 'recheck') beginRecheck(state, attempt, selectors);
  if (role === 'rerun') beginRerun(state, attempt, selectors);
  state.firstEnqueuedAt ??= at;
  addAttempt(state, record, attempt);
}

function attemptTaken(state: RunState, { attempt: id, agent: taker }: EventOf<'attempt-taken'>): void {
  const attempt = state.attempts.get(id);
  if (attempt?.state.kind !== 'enqueued') return;
  const agent = knownAgent(state, taker);
  // The event was seen before the agent left but arrived later; the agent has handed the attempt back since.
  if (agent.presence === 'left') return;
  moveAttempt(state, attempt, { kind: 'taken', agent: taker });
  returned(state, agent);
}

function attemptStarted(state: RunState, { at, attempt: id, agent: starter }: EventOf<'attempt-started'>): void {
  const attempt = state.attempts.get(id);
  if (attempt === undefined) return;
  const agent = hearAgent(state, starter, at);
  hearAttempt(attempt, at);
  attempt.startedAt ??= at;
  if (attempt.state.kind !== 'enqueued' && attempt.state.kind !== 'taken') return;
  moveAttempt(state, attempt, { kind: 'running', agent: starter });
  // An agent that left is never declared lost, so the run would wait for this attempt forever.
  if (agent.presence === 'left') endAttempt(state, attempt, starter, { kind: 'lost' });
  else returned(state, agent);
}

function attemptEnded(state: RunState, event: EventOf<'attempt-ended'>): void {
  const attempt = state.attempts.get(event.attempt);
  if (attempt === undefined) return;
  const agent = hearAgent(state, event.agent, event.at);
  hearAttempt(attempt, event.at);
  if (attempt.seconds === null) {
    attempt.seconds = event.seconds;
    agent.attemptSeconds += event.seconds;
  }
  endAttempt(state, attempt, event.agent, event.ending);
}

function endAttempt(state: RunState, attempt: AttemptRecord, agent: AgentId | null, ending: AttemptEnding): void {
  if (attempt.state.kind === 'ended') return;
  const record = agent === null ? undefined : state.agents.get(agent);
  const isOut = agent !== null && isOfRefused(state, agent);
  if (isOut) attempt.isVoid = true;
  // A refused agent's attempt counts as not run, whatever it reports.
  moveAttempt(state, attempt, { kind: 'ended', agent, ending: isOut ? { kind: 'lost' } : ending });
  if (ending.kind === 'not-started' && record !== undefined) {
    record.conduct.notStarted += 1;
    record.conduct.problem = ending.detail;
  }
  settle(state, attempt.shard, attempt.id);
}

function attemptTold(state: RunState, { agent, attempt: id, event }: EventOf<'attempt-told'>): void {
  const attempt = state.attempts.get(id);
  const record = attempt === undefined ? undefined : state.shards.get(attempt.shard);
  if (attempt === undefined || record === undefined) return;
  const reporter = hearAgent(state, agent, event.at);
  hearAttempt(attempt, event.at);
  if (isRefused(state, reporter)) return;
  observeWork(state.work, agent, id, event);
  if (event.kind === 'test-started') attempt.firstTestAt ??= event.at;
  attempt.beganAt ??= state.coordinatorAt;
  attempt.heardAt = state.coordinatorAt;
  tell(state, record, { attempt: id, agent }, event);
}

const newAgent = (id: AgentId): AgentRecord => ({
  id,
  info: null,
  presence: 'alive',
  joinedAt: null,
  lastToldAt: null,
  attemptSeconds: 0,
  conduct: newConduct(),
  differences: NO_DIFFERENCES,
  goneAt: null,
  unfit: null,
  left: null,
});

/** Returns the agent's record. A new agent is alive until its presence shows otherwise. */
function knownAgent(state: RunState, id: AgentId): AgentRecord {
  const known = state.agents.get(id);
  if (known !== undefined) return known;
  const agent = newAgent(id);
  state.agents.set(id, agent);
  setPresence(state, agent, 'alive', null);
  return agent;
}

/** True if reports of this agent count. */
const mayServe = (state: RunState, { agent, at }: { readonly agent: AgentId; readonly at: number }): boolean =>
  !isRefused(state, hearAgent(state, agent, at));

function hearAgent(state: RunState, id: AgentId, at: number): AgentRecord {
  const agent = knownAgent(state, id);
  agent.lastToldAt = Math.max(agent.lastToldAt ?? at, at);
  if (state.aloneSince !== null) state.aloneSince = state.coordinatorAt;
  return agent;
}

function hearAttempt(attempt: AttemptRecord, at: number): void {
  attempt.lastToldAt = Math.max(attempt.lastToldAt ?? at, at);
}

function setPresence(
  state: RunState,
  agent: AgentRecord,
  presence: AgentRecord['presence'],
  from: AgentRecord['presence'] | null = agent.presence,
): void {
  moveAgent(state, agent, presence, from);
  const isAnyAlive = [...state.agents.values()].some((each) => each.presence === 'alive');
  state.aloneSince = isAnyAlive ? null : (state.aloneSince ?? state.coordinatorAt);
}

/** Ignores a repeated problem, since a stream may be read twice. */
function endSession(state: RunState, { agent, problem, acceptsNoTests }: EventOf<'session-ended'>): void {
  if (acceptsNoTests) state.acceptsNoTests = true;
  if (problem === null || state.sessionErrors.some((known) => known.agent === agent && known.message === problem)) return;
  state.sessionErrors.push({ agent, message: problem });
  state.failures += 1;
}
