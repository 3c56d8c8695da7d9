// Applies an event to a run's state. Total: duplicate, late, unknown and out-of-order events change nothing that is settled.
// Owns which function applies which event; decide.ts decides what to do.

import { assertNever } from '../../../shared/assert-never.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import { poolSeen } from './agents/absences.ts';
import { agentDismissed, agentDraining, agentJoined, agentLeft, agentLost, agentReturned, agentUnfit } from './agents/agent-life.ts';
import { noteNumber } from './agents/batch-numbers.ts';
import { messageRejected } from './agents/rejections.ts';
import { coverageKept, sessionEnded, sessionShown } from './agents/session-reports.ts';
import { takeWaiting, waitsForJoin } from './agents/waiting-events.ts';
import {
  attemptCancelled,
  attemptEnded,
  attemptEnqueued,
  attemptLost,
  attemptReported,
  attemptStarted,
  attemptTaken,
  loseAttempts,
} from './attempts/attempt-life.ts';
import { forgetAnswers, unitsClaimed, unitsLeased } from './attempts/unit-claims.ts';
import { beginWait } from './attempts/waits.ts';
import { type Change, OTHER } from './changes.ts';
import { applySuitePlan } from './collection/suite-plan.ts';
import { suiteInseparable, suiteListed, suiteRefused } from './collection/suite-reports.ts';
import type { CoordinatorEvent, EventOf, OwnEvent } from './events.ts';
import {
  coverageCombined,
  forecastMade,
  interruptRequested,
  noAgentCanCome,
  passTime,
  redisLost,
  runClosed,
  runRestarted,
  runResumed,
} from './run-life.ts';
import type { RunState } from './run-state.ts';
import { giveUp } from './settle.ts';
import { applySplit } from './split-shard.ts';

/**
 * Changes `state` in place and returns the changes: a run has as many events as tests, and copying the state would take quadratic time.
 * Only the run loop and code that replays its events may hold a state. `openRun` begins a run; `run-opened` itself changes nothing.
 */
export function reduce(state: RunState, event: CoordinatorEvent): readonly Change[] {
  if (isTimed(event)) passTime(state, event.at);
  apply(state, event);
  // Reports of tests rarely affect a decision; those that do record their own change.
  if (event.kind !== 'attempt-reported' && event.kind !== 'session-shown' && event.kind !== 'stream-read') state.changes.push(OTHER);
  return state.changes.splice(0);
}

const SENT_BY_AGENTS: Readonly<Record<RunEvent['kind'], true>> = {
  'agent-draining': true,
  'agent-joined': true,
  'agent-left': true,
  'agent-unfit': true,
  'attempt-ended': true,
  'attempt-started': true,
  'attempt-reported': true,
  'coverage-kept': true,
  'session-ended': true,
  'session-shown': true,
  'suite-inseparable': true,
  'suite-listed': true,
  'suite-refused': true,
};

/** Events whose time is the time of this coordinator's clock. Agents' clocks may differ from it; an opening brings the time of a new state. */
type TimedEvent = Exclude<OwnEvent, EventOf<'run-opened' | 'run-restarted'>>;

const isTimed = (event: CoordinatorEvent): event is TimedEvent =>
  !Object.hasOwn(SENT_BY_AGENTS, event.kind) && event.kind !== 'run-opened' && event.kind !== 'run-restarted';

function apply(state: RunState, event: CoordinatorEvent): void {
  if (waitsForJoin(state, event)) return;
  applyNow(state, event);
  if (event.kind === 'agent-joined') for (const waited of takeWaiting(state, event.agent.id)) applyNow(state, waited);
}

/** Longer than other functions: the one list of all kinds of events. */
function applyNow(state: RunState, event: CoordinatorEvent): void {
  switch (event.kind) {
    case 'agent-joined':
      agentJoined(state, event);
      break;
    case 'agent-unfit':
      agentUnfit(state, event);
      break;
    case 'agent-draining':
      agentDraining(state, event);
      break;
    case 'agent-left':
      agentLeft(state, event);
      break;
    case 'agent-asked':
      state.askedAt.set(event.agent, event.at);
      break;
    case 'agent-dismissed':
      agentDismissed(state, event);
      break;
    case 'agent-lost':
      agentLost(state, event);
      break;
    case 'agent-returned':
      agentReturned(state, event);
      break;
    case 'message-rejected':
      messageRejected(state, event);
      break;
    case 'session-shown':
      sessionShown(state, event);
      break;
    case 'session-ended':
      sessionEnded(state, event);
      break;
    case 'coverage-kept':
      coverageKept(state, event);
      break;
    case 'suite-listed':
      suiteListed(state, event);
      break;
    case 'suite-inseparable':
      suiteInseparable(state, event);
      break;
    case 'suite-refused':
      suiteRefused(state, event);
      break;
    case 'suite-planned':
      applySuitePlan(state, event);
      break;
    case 'shard-given-up':
      giveUp(state, event.shard, event.why);
      break;
    case 'shard-split':
      applySplit(state, event);
      break;
    case 'shard-waits':
      beginWait(state, event);
      break;
    case 'units-claimed':
      unitsClaimed(state, event);
      break;
    case 'units-leased':
      unitsLeased(state, event);
      break;
    case 'attempt-enqueued':
      attemptEnqueued(state, event);
      break;
    case 'attempt-taken':
      attemptTaken(state, event);
      break;
    case 'attempt-started':
      attemptStarted(state, event);
      break;
    case 'attempt-reported':
      attemptReported(state, event);
      break;
    case 'attempt-ended':
      attemptEnded(state, event);
      break;
    case 'attempt-lost':
      attemptLost(state, event);
      break;
    case 'attempt-cancelled':
      attemptCancelled(state, event);
      break;
    case 'redis-emptied':
      state.hasLostMessages = true;
      forgetAnswers(state);
      loseAttempts(state);
      break;
    case 'redis-lost':
      redisLost(state);
      break;
    case 'no-agent-can-come':
      noAgentCanCome(state, event);
      break;
    case 'pool-seen':
      poolSeen(state, event);
      break;
    case 'interrupt-requested':
      interruptRequested(state, event);
      break;
    case 'forecast':
      forecastMade(state, event);
      break;
    case 'coverage-combined':
      coverageCombined(state, event);
      break;
    case 'run-restarted':
      runRestarted(state, event);
      break;
    case 'run-resumed':
      runResumed(state);
      forgetAnswers(state);
      break;
    case 'run-closed':
      runClosed(state, event);
      break;
    case 'stream-read':
      if (event.from !== undefined) noteNumber(state, event.from);
      break;
    case 'run-opened':
    case 'tick':
      break;
    default:
      assertNever(event);
  }
}
