// What follows from what is known of a run: which attempts start or stop, and when it closes. The one place where loss, retry and the end are decided.
// Deciding again after the actions were applied decides nothing twice: every action changes the state that called for it.

import { assertNever } from '../../shared/assert-never.ts';
import { deadlineTimes } from './deadline.ts';
import type { Action, CloseReason } from './events.ts';
import type { AttemptRecord, RunState, ShardRecord } from './run-state.ts';
import { hasEnded } from './settle.ts';
import { lacksOnlySerial } from './unfinished.ts';

/** What to do now, in order. Time is the latest that the state knows of; nothing follows once the run is closed. */
export function decide(state: RunState): readonly Action[] {
  if (state.closed !== null) return [];
  const why = closeReason(state);
  const shards = [...state.shards.values()];
  if (why !== null) return [...shards.flatMap(superseded), { kind: 'close-run', why }];
  const due = shards.filter((record) => record.state.kind === 'open' && hasEnded(record) && lacksOnlySerial(state, record));
  return [...shards.filter((record) => !due.includes(record)).flatMap(decideShard), ...decideSerial(shards, due)];
}

/** The first that holds: complete results stand, whatever else happened; what the user wants comes before what went wrong. */
function closeReason(state: RunState): CloseReason | null {
  if ([...state.shards.values()].every(isSettled)) return { kind: 'done' };
  if (state.interruptedBy !== null) return { kind: 'stopped', notRun: 'cancelled', by: 'cancelled' };
  if (isDeadlineNear(state)) return { kind: 'stopped', notRun: 'deadline', by: 'deadline' };
  if (isMaxfailReached(state)) return { kind: 'stopped', notRun: 'maxfail', by: 'maxfail' };
  // Without Redis no agent is reached: for the run that is the same as having none.
  if (state.redisLost || isAloneTooLong(state)) return { kind: 'stopped', notRun: 'no-agent', by: 'cancelled' };
  return null;
}

const isSettled = ({ state }: ShardRecord): boolean => state.kind === 'done' || state.kind === 'given-up' || state.kind === 'split';

function isDeadlineNear({ opened, coordinatorAt }: RunState): boolean {
  const times = deadlineTimes(opened);
  return times !== null && coordinatorAt >= times.drainAt;
}

function isMaxfailReached(state: RunState): boolean {
  const { maxfail } = state.opened.spec;
  return (maxfail > 0 && state.failures >= maxfail) || [...state.attempts.values()].some((attempt) => wasStoppedByMaxfail(attempt.state));
}

/** pytest counts by itself too, and in its own way (each subtest): where it stopped, the run stops. */
function wasStoppedByMaxfail(state: AttemptRecord['state']): boolean {
  return state.kind === 'ended' && state.ending.kind === 'interrupted' && state.ending.by === 'maxfail';
}

function isAloneTooLong(state: RunState): boolean {
  if (state.aloneSince === null) return false;
  return state.noAgentCanCome !== null || state.coordinatorAt - state.aloneSince >= state.opened.waitAgentSeconds * 1000;
}

/** What must run alone runs when nothing else is left, one shard of it at a time, wherever its agent is. */
function decideSerial(shards: readonly ShardRecord[], due: readonly ShardRecord[]): readonly Action[] {
  const [next] = due;
  if (next === undefined || !shards.every((record) => due.includes(record) || isSettled(record))) return [];
  return [{ kind: 'start-attempt', shard: next.shard.id, role: 'serial' }];
}

function decideShard(record: ShardRecord): readonly Action[] {
  const { state, shard } = record;
  switch (state.kind) {
    case 'planned':
      return [{ kind: 'start-attempt', shard: shard.id, role: 'primary' }];
    case 'open':
      // Still open after its last attempt: something is missing, and reduce has not given it up.
      return hasEnded(record) ? [{ kind: 'start-attempt', shard: shard.id, role: 'retry' }] : [];
    case 'done':
      return superseded(record);
    case 'split':
    case 'given-up':
      return [];
    default:
      return assertNever(state);
  }
}

/** Attempts of a done shard that somebody may still be running for nothing. */
function superseded({ state }: ShardRecord): readonly Action[] {
  if (state.kind !== 'done') return [];
  return state.attempts
    .filter((attempt) => attempt.id !== state.accepted && mayRun(attempt) && attempt.cancelledBy === null)
    .map((attempt) => ({ kind: 'cancel-attempt', attempt: attempt.id, by: 'superseded' }));
}

/** An agent that was thought to be lost may only have been frozen or cut off. */
const mayRun = ({ state }: AttemptRecord): boolean => state.kind !== 'ended' || state.ending.kind === 'lost';
