// What of a shard is still missing. Nothing missing ever counts as passed; the attempt that would bring it is attempt-request.ts's.

import { type TestFile, testFile } from '../../../shared/domain/ids.ts';
import type { FileProgress } from './records.ts';
import { isUncollected, type ShardRecord } from './records.ts';
import type { RunState } from './run-state.ts';

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

/** Is `path` a directory above the file, or the conftest.py or __init__.py of one? */
export function isAbove(path: TestFile, file: TestFile): boolean {
  if (path === file) return false;
  const directory = path === '.' ? '' : path.replace(/(^|\/)(conftest|__init__)\.py$/, '');
  return directory === '' || file.startsWith(`${directory}/`);
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

/** The part of the shard's estimate that falls to a file's tests without an outcome, each file and each test taken to be alike. */
export function unfinishedSeconds(record: ShardRecord, progress: FileProgress): number {
  const fileSeconds = (record.shard.predictedSeconds * progress.selectors.length) / Math.max(1, record.shard.selectors.length);
  return progress.collectSeconds === null || progress.tests.size === 0
    ? fileSeconds
    : (fileSeconds * progress.openTests) / progress.tests.size;
}
/** What of the shard's prediction is still to come, in predicted seconds. */
export function leftSeconds(state: RunState, record: ShardRecord): number {
  let seconds = 0;
  for (const progress of record.files.values()) {
    if (isUnfinished(state, progress)) seconds += unfinishedSeconds(record, progress);
  }
  return seconds;
}
