// `events.ndjson`: every event of a run, in order, one JSON object a line; enough to rebuild everything that is reported, and to resume the run.

import { appendFileSync, closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import type { RunId } from '../../shared/domain/ids.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { readLines } from '../../shared/system/read-lines.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import { decodeLine, encodeLine } from './journal-codec.ts';

/** How much of a journal is read, or written again, at a time: all of it may be longer than one string may be. */
const CHUNK_BYTES = 64 * 1024;

export interface Journal {
  /** Returns when the event is written, so that nothing is done of which a coordinator that dies leaves no record. */
  record(event: CoordinatorEvent): void;
  /** Is this still the file that stands at its path? A command that resumes the run, or another run, puts its own there. */
  isOurs(): boolean;
  /** Throws `output-not-writable`, also for what could not be written before: a full disk does not end a run. */
  close(): Promise<void>;
}

/** A new journal at `path` that begins with `earlier` events. Whoever wrote there before writes from now on to a file that nobody sees. */
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
      // What was never put there cannot have been replaced.
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

/** The run that a journal is of; null where it does not say. */
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

/** The events of a journal; a last line without its end was cut off when its writer died, and is left out. Throws `bad-message` and `newer-version`. */
export async function readJournal(path: string): Promise<readonly CoordinatorEvent[]> {
  const events: CoordinatorEvent[] = [];
  for await (const line of readLines(path)) events.push(decodeLine(line, `${path}:${events.length + 1}`));
  return events;
}
