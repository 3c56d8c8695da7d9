// `events.ndjson`: the run log as a file, one JSON object per line; enough to rebuild a run's reports and resume it.

import { randomUUID } from 'node:crypto';
import { appendFileSync, closeSync, fstatSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import type { RunId } from '../../shared/domain/ids.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { readLines } from '../../shared/system/files/read-lines.ts';
import { decodeEnvelope } from '../../shared/wire/envelope.ts';
import { decodeLines, encodeLines, type LogRecord } from '../../shared/wire/run-log.ts';
import type { RunLog } from '../ports.ts';

/** Characters that are written at a time, because all records of a turn may exceed the maximum length of a string. */
const CHUNK_CHARS = 1 << 20;
/** Bytes that are read at a time. */
const CHUNK_BYTES = 64 * 1024;

export interface FileLog extends RunLog {
  /**
   * Puts the file in its place, in one step. An earlier writer keeps writing to its own file, which then has no name. Nothing is written to
   * `path` before.
   */
  publish(): void;
  /** Removes a file that was not published. */
  discard(): void;
}

/**
 * Creates a log beside `path`. `append` writes before it returns, so that a coordinator that dies leaves a record of everything it did. A
 * full disk does not end a run: the first failure stops the writing, and `close` rejects with it.
 */
export function createFileLog(path: string): FileLog {
  // Processes in two containers may have the same pid.
  const unfinished = `${path}.${randomUUID()}.tmp`;
  let failure: ShardlineError | null = null;
  let file: number | null = null;
  let isInPlace = false;
  const attempt = (write: () => void): void => {
    if (failure !== null) return;
    try {
      write();
    } catch (thrown) {
      failure = new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
    }
  };
  const closeFile = (): void => {
    if (file !== null) closeSync(file);
    file = null;
  };
  attempt(() => {
    file = openSync(unfinished, 'wx');
  });

  return {
    async append(records) {
      attempt(() => {
        for (const text of chunksOf(records)) if (file !== null) appendFileSync(file, text);
      });
    },
    read: () => readFileLog(path),
    publish() {
      attempt(() => {
        renameSync(unfinished, path);
        isInPlace = true;
      });
    },
    discard() {
      if (isInPlace) return;
      closeFile();
      rmSync(unfinished, { force: true });
    },
    isOurs() {
      // A file that never reached its path cannot have been replaced.
      if (file === null || !isInPlace) return true;
      const here = statSync(path, { throwIfNoEntry: false });
      return here === undefined || here.ino === fstatSync(file).ino;
    },
    async close() {
      attempt(closeFile);
      if (failure !== null) throw failure;
    },
  };
}

/** A log for a new run, in place of an earlier one. */
export function openFileLog(path: string): FileLog {
  const log = createFileLog(path);
  log.publish();
  return log;
}

/** The lines of the records, as few texts of a limited length. */
function* chunksOf(records: readonly LogRecord[]): Generator<string> {
  let text = '';
  for (const record of records) {
    text += encodeLines(record);
    if (text.length < CHUNK_CHARS) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** Drops a last line without its end, which was cut off when its writer died. Rejects with the errors of `decodeLines` and of the file. */
export const readFileLog = (path: string): AsyncIterable<LogRecord> => decodeLines(readLines(path), path);

/** The run whose log is at `path`; null if it cannot be read. */
export function recordedRun(path: string): RunId | null {
  try {
    return decodeEnvelope(firstLine(path), path).run;
  } catch {
    return null;
  }
}

function firstLine(path: string): string {
  const file = openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const read = chunk.subarray(0, readSync(file, chunk));
      const end = read.indexOf('\n');
      chunks.push(end === -1 ? read : read.subarray(0, end));
      if (end !== -1 || read.length === 0) return Buffer.concat(chunks).toString('utf8');
    }
  } finally {
    closeSync(file);
  }
}
