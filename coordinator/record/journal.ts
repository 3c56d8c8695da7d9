// Writes and reads `events.ndjson`: all events of a run in order, one JSON object per line; enough to rebuild its reports and resume it.

import { appendFileSync, closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import type { RunId } from '../../shared/domain/ids.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { readLines } from '../../shared/system/read-lines.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import { decodeLine, encodeLine } from './journal-codec.ts';

/** Bytes of a journal that are read or copied at a time, because the whole may exceed the maximum length of a string. */
const CHUNK_BYTES = 64 * 1024;

export interface Journal {
  /** Returns once the event is written, so that a coordinator that dies leaves a record of everything it did. */
  record(event: CoordinatorEvent): void;
  /** True if this file is still at its path. A command that resumes the run, or another run, replaces it with its own. */
  isOurs(): boolean;
  /** Throws `output-not-writable`, also for earlier failed writes: a full disk does not end a run. */
  close(): Promise<void>;
}

/** Creates a journal at `path` that begins with the events `earlier`. An earlier writer keeps writing to its own, now unlinked file. */
export function openJournal(path: string, earlier: readonly CoordinatorEvent[] = []): Journal {
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
  const append = (text: string): void =>
    attempt(() => {
      if (file !== null) appendFileSync(file, text);
    });

  const unfinished = `${path}.${process.pid}.tmp`;
  attempt(() => {
    file = openSync(unfinished, 'w');
  });
  let text = '';
  for (const event of earlier) {
    text += encodeLine(event);
    if (text.length < CHUNK_BYTES) continue;
    append(text);
    text = '';
  }
  append(text);
  attempt(() => {
    renameSync(unfinished, path);
    isInPlace = true;
  });

  return {
    record: (event) => append(encodeLine(event)),
    isOurs() {
      // A file that never reached its path cannot have been replaced.
      if (file === null || !isInPlace) return true;
      const here = statSync(path, { throwIfNoEntry: false });
      return here === undefined || here.ino === fstatSync(file).ino;
    },
    async close() {
      attempt(() => {
        if (file !== null) closeSync(file);
        file = null;
      });
      if (failure !== null) throw failure;
    },
  };
}

/** The id of the run in a journal; null if it cannot be read. */
export function recordedRun(path: string): RunId | null {
  try {
    const opening = decodeLine(firstLine(path), path);
    return opening.kind === 'run-opened' ? opening.spec.runId : null;
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

/**
 * The events of a journal. Drops a last line without its end, which was cut off when its writer died. Throws `bad-message`, `newer-version`
 * and `older-version`.
 */
export async function readJournal(path: string): Promise<readonly CoordinatorEvent[]> {
  const events: CoordinatorEvent[] = [];
  for await (const line of readLines(path)) events.push(decodeLine(line, `${path}:${events.length + 1}`));
  return events;
}
