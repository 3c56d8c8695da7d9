// What of a shard is still missing, and the attempt that would bring it. Nothing missing ever counts as passed.

import type { AttemptRequest, AttemptRole } from '../../shared/attempt.ts';
import { type AgentId, attemptId, type NodeId, type ShardId, type TestFile, testFile } from '../../shared/ids.ts';
import type { Selector } from '../../shared/shard.ts';
import { rerunWork } from './rerun.ts';
import { allAttemptsOf, attemptsOf, type FileProgress, isUncollected, type RunState, type ShardRecord } from './run-state.ts';

/** Is nothing of this shard missing: every file collected (or failed to), every announced test with an outcome? */
export function isComplete(state: RunState, record: ShardRecord): boolean {
  for (const progress of record.files.values()) if (isUnfinished(state, progress)) return false;
  return true;
}

/**
 * Is a collection or an outcome of this file missing? A file that failed to collect, or lies below one that did, is as finished as it gets, but
 * for the tests that were announced all the same (a class of it failed, or an earlier attempt collected it).
 */
export function isUnfinished(state: RunState, progress: FileProgress): boolean {
  if (progress.openTests > 0) return true;
  return isUncollected(progress) && !isBelowCollectError(state, progress.file);
}

/** Is all that this shard still lacks what must run alone? */
export function lacksOnlySerial(state: RunState, record: ShardRecord): boolean {
  const unfinished = [...record.files.values()].filter((progress) => isUnfinished(state, progress));
  return unfinished.length > 0 && unfinished.every(isOpenForSerial);
}

function isOpenForSerial(progress: FileProgress): boolean {
  if (isUncollected(progress) || progress.serial.size === 0) return false;
  return [...progress.tests.values()].every((test) => test.accepted !== null || progress.serial.has(test.nodeid));
}

/** Did a directory above the file, its conftest.py or its __init__.py fail to collect? Then pytest never came to the file. */
export function isBelowCollectError(state: RunState, file: TestFile): boolean {
  if (state.collectErrors.size === 0) return false;
  for (let end = file.lastIndexOf('/'); ; end = file.lastIndexOf('/', end - 1)) {
    const directory = end > 0 ? file.slice(0, end) : '';
    const prefix = directory === '' ? '' : `${directory}/`;
    const above = [directory === '' ? '.' : directory, `${prefix}conftest.py`, `${prefix}__init__.py`];
    if (above.some((path) => path !== file && state.collectErrors.has(testFile(path)))) return true;
    if (directory === '') return false;
  }
}

/**
 * What an attempt of this shard still has to run, in the planned order: a file without any outcome stays whole, of a file partly done only the
 * announced tests without an outcome are left, what is finished is left out. Empty for an unknown shard.
 */
export function attemptSelectors(state: RunState, shard: ShardId): readonly Selector[] {
  const record = state.shards.get(shard);
  if (record === undefined) return [];
  return [...record.files.values()].filter((progress) => isUnfinished(state, progress)).flatMap(remaining);
}

function remaining(progress: FileProgress): readonly Selector[] {
  const { file, selectors, tests, openTests } = progress;
  const isWhole = openTests === tests.size || progress.collectSeconds === null;
  if (isWhole && selectors.length > 0) return selectors;
  const nodeids: NodeId[] = [];
  for (const test of tests.values()) if (test.accepted === null) nodeids.push(test.nodeid);
  return [{ kind: 'tests', file, nodeids }];
}

/** The next attempt of a shard, ready to be enqueued: its fence is above all earlier ones. null for an unknown shard. */
export function nextAttempt(state: RunState, shard: ShardId, role: AttemptRole): AttemptRequest | null {
  const record = state.shards.get(shard);
  if (record === undefined) return null;
  const fence = allAttemptsOf(record).reduce((highest, attempt) => Math.max(highest, attempt.fence), 0) + 1;
  const id = attemptId(shard, fence);
  if (role === 'rerun') return { id, shard, fence, role, ...rerunWork(state, shard) };
  const predictedSeconds = [...record.files.values()]
    .filter((progress) => isUnfinished(state, progress))
    .reduce((sum, progress) => sum + unfinishedSeconds(record, progress), 0);
  const avoid = avoidedBy(record, role);
  return { id, shard, fence, role, selectors: attemptSelectors(state, shard), predictedSeconds, avoid };
}

/** A backup is of no use beside the attempt that it backs up, nor what was taken back where it waited. */
function avoidedBy(record: ShardRecord, role: AttemptRole): readonly AgentId[] {
  return attemptsOf(record).flatMap(({ state }) => {
    if (state.kind === 'enqueued' || state.agent === null) return [];
    const isRunning = state.kind !== 'ended';
    const wasTakenBack = !isRunning && state.ending.kind === 'interrupted' && state.ending.by === 'superseded';
    return (role === 'backup' && isRunning) || wasTakenBack ? [state.agent] : [];
  });
}

/** The part of the shard's estimate that falls to a file's tests without an outcome, each file and each test taken to be alike. */
export function unfinishedSeconds(record: ShardRecord, progress: FileProgress): number {
  const fileSeconds = (record.shard.predictedSeconds * progress.selectors.length) / Math.max(1, record.shard.selectors.length);
  return progress.collectSeconds === null || progress.tests.size === 0
    ? fileSeconds
    : (fileSeconds * progress.openTests) / progress.tests.size;
}
