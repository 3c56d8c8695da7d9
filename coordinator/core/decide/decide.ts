// Decides which attempts start or stop and when the run closes. Loss, retry and the end of a run are decided only here.
// Deciding again after the actions were applied repeats nothing: every action changes the state that called for it.

import type { AgentId } from '../../../shared/domain/ids.ts';
import { agentsToAsk } from '../state/agents/waiting-events.ts';
import { overstaying } from '../state/attempts/holders.ts';
import { awaitsList, awaitsPlan, isInseparable, isPlanDue } from '../state/collection/suite.ts';
import { deadlineTimes } from '../state/deadline.ts';
import type { CloseReason } from '../state/events.ts';
import type { AttemptRecord, ShardRecord } from '../state/records.ts';
import { isComplete, lacksOnlySerial } from '../state/remaining-work.ts';
import type { RunState } from '../state/run-state.ts';
import { dueInOrder, supersededAttempts } from '../state/shard-index.ts';
import type { Action } from './actions.ts';
import { admissionOf } from './admission.ts';
import { decideGiveUps } from './give-up.ts';
import { isSuspect, isToHalve } from './isolate-crash.ts';
import { decideUnmet, grantStarts } from './needs/grants.ts';
import { stranded } from './needs/placement.ts';
import { isToDivide } from './needs/split-by-needs.ts';
import { decideOddLists } from './odd-lists.ts';
import { decideDismissals } from './quarantine.ts';
import { decideRechecks, isRechecking, openDoubts } from './recheck.ts';
import { countFailures, decideReruns, isRerunning } from './rerun.ts';
import { stragglers, waitingForNothing } from './straggler.ts';

/** Returns the actions to carry out now, in order. It reads time only from the state. A closed run needs no action. */
export function decide(state: RunState): readonly Action[] {
  if (state.closed !== null) return [];
  const why = closeReason(state);
  if (why !== null) return [...superseded(state).map(callOff), { kind: 'close-run', why }];
  return [...agentsToAsk(state).map((agent): Action => ({ kind: 'ask-agent', agent })), ...decideWork(state)];
}

function decideWork(state: RunState): readonly Action[] {
  if (isPlanDue(state)) return [{ kind: 'plan-suite' }];
  if (awaitsList(state)) return decideDismissals(state);
  const broken = decideDismissals(state);
  const dismissals = [...broken, ...decideOddLists(state, dismissedBy(broken))];
  // The tests of a dismissed agent are due again after its dismissal.
  if (dismissals.length > 0) return dismissals;
  const due = dueInOrder(state.index).filter((record) => !isSettled(state, record));
  const halved = due.filter((record) => isToHalve(state, record));
  const divisible = due.filter(isToDivide);
  if (divisible.length > 0) return divisible.map(({ shard }) => ({ kind: 'divide-shard', shard: shard.id }));
  if (halved.length > 0) return halved.map(({ shard }) => ({ kind: 'split-shard', shard: shard.id }));
  const givenUp = [...decideGiveUps(state, due), ...decideUnmet(state, due)];
  if (givenUp.length > 0) return givenUp;
  const [alone, others] = divided(due, (record) => mustRunAlone(state, record));
  // Late results can complete a planned shard; it is then settled and needs no attempt.
  const open = state.index.unsettled.size - (state.index.due.size - due.length);
  const cancelled = superseded(state);
  const admission = admissionOf(state, others);
  const actions = [
    ...stranded(state).map(lose),
    ...[...cancelled, ...overstaying(state)].map(callOff),
    ...admission.ordered.map(start),
    ...stragglers(state).map(backup),
    ...waitingForNothing(state)
      .filter((attempt) => !cancelled.includes(attempt))
      .map(callOff),
    ...decideRechecks(state),
    ...decideAlone(state, open, alone),
    ...decideReruns(state, open === 0),
  ];
  return grantStarts(state, actions, admission);
}

const dismissedBy = (actions: readonly Action[]): ReadonlySet<AgentId> =>
  new Set(actions.flatMap((action) => (action.kind === 'dismiss-agent' ? [action.agent] : [])));

/** Returns the first reason that applies. Complete results count whatever else happened; the user's request comes before failures. */
function closeReason(state: RunState): CloseReason | null {
  if (state.suite.refusal !== null) return { kind: 'stopped', notRun: 'cancelled', by: 'cancelled' };
  if (isInseparable(state)) return { kind: 'stopped', notRun: 'inseparable', by: 'cancelled' };
  if (!awaitsPlan(state) && isFirstPassOver(state) && !isRerunning(state) && !isRechecking(state)) return { kind: 'done' };
  if (state.interruptedBy !== null || isStoppedBy(state, 'pytest-exit')) return { kind: 'stopped', notRun: 'cancelled', by: 'cancelled' };
  if (isDeadlineNear(state)) return { kind: 'stopped', notRun: 'deadline', by: 'deadline' };
  if (isMaxfailReached(state)) return { kind: 'stopped', notRun: 'maxfail', by: 'maxfail' };
  if (isCrashLimitReached(state)) return { kind: 'stopped', notRun: 'crash-limit', by: 'cancelled' };
  // Without Redis the coordinator reaches no agent, which is the same as having none.
  if (state.redisLost || isAloneTooLong(state)) return { kind: 'stopped', notRun: 'no-agent', by: 'cancelled' };
  return null;
}

function isFirstPassOver(state: RunState): boolean {
  for (const record of state.index.unsettled) if (!isSettled(state, record)) return false;
  return true;
}

const superseded = ({ index }: RunState): readonly AttemptRecord[] => [...index.superseded].flatMap(supersededAttempts);

function divided<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): readonly [Item[], Item[]] {
  const parts: [Item[], Item[]] = [[], []];
  for (const item of items) parts[isFirst(item) ? 0 : 1].push(item);
  return parts;
}

/** A planned shard can be complete: late results of the shard it was split from count for it. */
const isSettled = (state: RunState, record: ShardRecord): boolean =>
  ['done', 'given-up', 'split'].includes(record.state.kind) || (record.state.kind === 'planned' && isComplete(state, record));

const mustRunAlone = (state: RunState, record: ShardRecord): boolean =>
  record.shard.runsLast === true || isSuspect(record) || lacksOnlySerial(state, record);

function isDeadlineNear({ opened, coordinatorAt }: RunState): boolean {
  const times = deadlineTimes(opened);
  return times !== null && coordinatorAt >= times.drainAt;
}

function isMaxfailReached(state: RunState): boolean {
  const { maxfail } = state.opened.spec;
  // pytest also counts by itself, and differently (each subtest).
  return (maxfail > 0 && countFailures(state) >= maxfail) || isStoppedBy(state, 'maxfail');
}

/** True if pytest stopped by itself in some attempt; then the run stops. */
function isStoppedBy(state: RunState, by: 'maxfail' | 'pytest-exit'): boolean {
  const accused = new Set(by === 'maxfail' ? openDoubts(state).map(({ agent }) => agent) : []);
  return [...state.index.stopped].some(({ state: its }) => {
    if (its.kind !== 'ended' || its.ending.kind !== 'interrupted' || its.ending.by !== by) return false;
    // A failure on a dismissed agent, or one that may be the agent's fault, does not stop the run.
    return by !== 'maxfail' || its.agent === null || !(accused.has(its.agent) || state.agents.get(its.agent)?.conduct.dismissedFor != null);
  });
}

const isCrashLimitReached = ({ opened, index, crashedTests }: RunState): boolean =>
  opened.crashLimit > 0 && index.crashes + crashedTests >= opened.crashLimit;

function isAloneTooLong(state: RunState): boolean {
  if (state.aloneSince === null) return false;
  return state.noAgentCanCome !== null || state.coordinatorAt - state.aloneSince >= state.opened.waitAgentSeconds * 1000;
}

/** The shard is still open after its last attempt: it lacks results and was not given up. */
const start = ({ state, shard }: ShardRecord): Action => ({
  kind: 'start-attempt',
  shard: shard.id,
  role: state.kind === 'planned' ? 'primary' : 'retry',
});

const backup = ({ shard }: ShardRecord): Action => ({ kind: 'start-attempt', shard: shard.id, role: 'backup' });

const callOff = ({ id }: AttemptRecord): Action => ({ kind: 'cancel-attempt', attempt: id, by: 'superseded' });

const lose = ({ id }: AttemptRecord): Action => ({ kind: 'lose-attempt', attempt: id });

/** Starts shards that must run alone once nothing else is left, one at a time across all agents. */
function decideAlone(state: RunState, open: number, alone: readonly ShardRecord[]): readonly Action[] {
  const next = alone.find(({ shard }) => shard.runsLast !== true) ?? alone[0];
  if (next === undefined || alone.length < open) return [];
  return [lacksOnlySerial(state, next) ? { kind: 'start-attempt', shard: next.shard.id, role: 'serial' } : start(next)];
}
