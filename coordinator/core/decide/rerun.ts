// Decides whether a failed test runs again. The first result of each attempt counts; once one is no failure, later results change nothing.
// The last counted result is the outcome.

import type { AgentId, ShardId } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import { type AttemptRecord, type AttemptState, allAttemptsOf, type ShardRecord, type TestRecord } from '../state/records.ts';
import { finalResult, isFlaky, isRerunLimitExceeded, timesOf } from '../state/results.ts';
import type { RunState } from '../state/run-state.ts';
import type { Action } from './actions.ts';
import { openDoubts } from './recheck.ts';

/** Failed tests whose outcome may still change. */
function undecided(state: RunState): readonly TestRecord[] {
  const isOverLimit = state.opened.reruns.times > 0 && isRerunLimitExceeded(state);
  return [...state.failed].filter((test) => {
    const final = finalResult(test);
    if (final === null || !isFailure(final.result.outcome)) return false;
    return (test.isDoubted || !isOverLimit) && mayRerun(test, timesOf(state, test));
  });
}

/** A rerun may be lost or interrupted this many times per allowed execution. */
const LOSSES_PER_RERUN = 3;

/** True if a rerun of the test is running or left. A rerun that crashed without a result is used up. */
function mayRerun({ reruns, rerunIn }: TestRecord, times: number): boolean {
  if (reruns.length >= times) return false;
  const stopped = rerunIn.filter(({ state }) => wasStopped(state)).length;
  return !rerunIn.every(hasEnded) || (rerunIn.length - stopped < times && stopped < times * LOSSES_PER_RERUN);
}

/** Failures that count against a limit: not flaky tests, nor tests that are still being rerun or rechecked. */
export function countFailures(state: RunState): number {
  let flaky = 0;
  for (const test of state.failed) if (isFlaky(test)) flaky += 1;
  return state.failures - flaky - undecided(state).length - openDoubts(state).length;
}

/** Failed tests that are due for a rerun, by their shard. A shard with a rerun under way has none. */
function dueTests(state: RunState): ReadonlyMap<ShardRecord, readonly TestRecord[]> {
  const due = new Map<ShardRecord, TestRecord[]>();
  for (const test of undecided(state)) {
    const record = recordOf(state, test);
    if (record === undefined || !isAtRest(record)) continue;
    const tests = due.get(record);
    if (tests === undefined) due.set(record, [test]);
    else tests.push(test);
  }
  return due;
}

function recordOf(state: RunState, { accepted }: TestRecord): ShardRecord | undefined {
  const attempt = accepted === null ? undefined : state.attempts.get(accepted.attempt);
  return attempt === undefined ? undefined : state.shards.get(attempt.shard);
}

/** True if the shard is settled and has no rerun under way. */
function isAtRest(record: ShardRecord): boolean {
  if (record.state.kind === 'planned' || record.state.kind === 'open') return false;
  return allAttemptsOf(record).every((attempt) => attempt.role !== 'rerun' || hasEnded(attempt));
}

const hasEnded = ({ state }: AttemptRecord): boolean => state.kind === 'ended';
const wasStopped = (state: AttemptState): boolean =>
  state.kind === 'ended' && (state.ending.kind === 'lost' || state.ending.kind === 'interrupted');

/** True if a rerun is due or under way. */
export function isRerunning(state: RunState): boolean {
  return dueTests(state).size > 0 || isUnderWay(state);
}

const isUnderWay = (state: RunState): boolean =>
  [...state.attempts.values()].some((attempt) => attempt.role === 'rerun' && !hasEnded(attempt));

/**
 * Returns the reruns to start now. They wait until every test ran once, when the number of failures is known; with maxfail they start at
 * once, because each failure must be confirmed before it counts. Serial tests run last, one shard at a time.
 */
export function decideReruns(state: RunState, isFirstPassOver: boolean): readonly Action[] {
  if (!isFirstPassOver && state.opened.spec.maxfail === 0) return [];
  const due = [...dueTests(state)];
  const together = due.filter(([record, tests]) => !tests.some((test) => isSerial(record, test)));
  const now = together.length > 0 || !isFirstPassOver || isUnderWay(state) ? together : due.slice(0, 1);
  return now.map(([{ shard }]) => ({ kind: 'start-attempt', shard: shard.id, role: 'rerun' }));
}

const isSerial = (record: ShardRecord, { file, nodeid }: TestRecord): boolean => record.files.get(file)?.serial.has(nodeid) ?? false;

export interface RerunWork {
  readonly selectors: readonly Selector[];
  readonly predictedSeconds: number;
  /** Agents that already ran these tests; empty if no other agent is alive that takes attempts. */
  readonly avoid: readonly AgentId[];
}

/** The work of the shard's next rerun. */
export function rerunWork(state: RunState, shard: ShardId): RerunWork {
  const tests = [...dueTests(state)].find(([record]) => record.shard.id === shard)?.[1] ?? [];
  const results = tests.flatMap(({ accepted, reruns }) => (accepted === null ? [] : [accepted, ...reruns]));
  const ran = new Set(results.map(({ agent }) => agent));
  const isOtherThere = [...state.agents.values()].some(
    ({ id, presence, isDraining }) => presence === 'alive' && !isDraining && !ran.has(id),
  );
  const byFile = Map.groupBy(tests, ({ file }) => file);
  return {
    selectors: [...byFile].map(([file, failed]) => ({ kind: 'tests', file, nodeids: failed.map(({ nodeid }) => nodeid) })),
    predictedSeconds: tests.reduce((sum, test) => sum + (finalResult(test)?.result.seconds ?? 0), 0),
    avoid: isOtherThere ? [...ran] : [],
  };
}
