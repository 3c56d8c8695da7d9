// Finds what a shard still lacks. A missing test never counts as passed. attempt-request.ts builds the attempt that runs it.

import { type TestFile, testFile } from '../../../shared/domain/ids.ts';
import type { FileProgress } from './records.ts';
import { isUncollected, type ShardRecord } from './records.ts';
import type { RunState } from './run-state.ts';

/** True if the shard lacks nothing: every file is collected or failed to, and every announced test has an outcome. */
export function isComplete(state: RunState, record: ShardRecord): boolean {
  for (const progress of record.files.values()) if (isUnfinished(state, progress)) return false;
  return true;
}

/**
 * True if the file lacks its collection or an outcome. A file that failed to collect, or is below a path that did, is finished, except for
 * tests that were announced anyway (one of its classes failed, or an earlier attempt collected the file).
 */
export function isUnfinished(state: RunState, progress: FileProgress): boolean {
  if (progress.openTests > 0) return true;
  return isUncollected(progress) && !isBelowCollectError(state, progress.file);
}

/** True if the shard lacks only tests that must run alone. */
export function lacksOnlySerial(state: RunState, record: ShardRecord): boolean {
  let lacksAny = false;
  for (const progress of record.files.values()) {
    if (!isUnfinished(state, progress)) continue;
    if (!isOpenForSerial(progress)) return false;
    lacksAny = true;
  }
  return lacksAny;
}

function isOpenForSerial(progress: FileProgress): boolean {
  if (isUncollected(progress) || progress.serial.size === 0) return false;
  return [...progress.tests.values()].every((test) => test.accepted !== null || progress.serial.has(test.nodeid));
}

/** True if `path` is a directory above the file, or the conftest.py or __init__.py of one. */
export function isAbove(path: TestFile, file: TestFile): boolean {
  if (path === file) return false;
  const directory = path === '.' ? '' : path.replace(/(^|\/)(conftest|__init__)\.py$/, '');
  return directory === '' || file.startsWith(`${directory}/`);
}

/** True if a directory above the file, its conftest.py or its __init__.py failed to collect; pytest then never reached the file. */
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

/** The part of the shard's estimate for the file's tests without an outcome; all files and all tests count equally. */
export function unfinishedSeconds(record: ShardRecord, progress: FileProgress): number {
  const fileSeconds = (record.shard.predictedSeconds * progress.selectors.length) / Math.max(1, record.shard.selectors.length);
  return progress.collectSeconds === null || progress.tests.size === 0
    ? fileSeconds
    : (fileSeconds * progress.openTests) / progress.tests.size;
}
/** The rest of the shard's prediction, in predicted seconds. */
export function leftSeconds(state: RunState, record: ShardRecord): number {
  let seconds = 0;
  for (const progress of record.files.values()) {
    if (isUnfinished(state, progress)) seconds += unfinishedSeconds(record, progress);
  }
  return seconds;
}
