// `events.ndjson`: every event of a run, in order, one JSON object a line; enough to rebuild everything that is reported, and to resume the run.

import { appendFileSync, closeSync, fstatSync, openSync, renameSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { CoordinatorEvent } from '../core/events.ts';
import { decodeLine, encodeLine } from './journal-codec.ts';

export interface Journal {
  /** Returns when the event is written, so that nothing is done of which a coordinator that dies leaves no record. */
  record(event: CoordinatorEvent): void;
  /** Is this still the file that stands at its path? Whoever resumes the run puts another there. */
  isOurs(): boolean;
  /** Throws `output-not-writable`, also for what could not be written before: a full disk does not end a run. */
  close(): Promise<void>;
}

/** A new journal at `path` that begins with `earlier` events. Whoever wrote there before writes from now on to a file that nobody sees. */
export function openJournal(path: string, earlier: readonly CoordinatorEvent[] = []): Journal {
  let failure: ShardlineError | null = null;
  let file: number | null = null;
  const attempt = (write: () => void): void => {
    if (failure !== null) return;
    try {
      write();
    } catch (thrown) {
      failure = new ShardlineError('output-not-writable', { path, problem: messageOf(thrown) }, { cause: thrown });
    }
  };
  const record = (...events: readonly CoordinatorEvent[]): void =>
    attempt(() => {
      const text = events.map(encodeLine).join('');
      if (file !== null) appendFileSync(file, text);
    });

  const unfinished = `${path}.${process.pid}.tmp`;
  attempt(() => {
    file = openSync(unfinished, 'w');
  });
  record(...earlier);
  attempt(() => renameSync(unfinished, path));

  return {
    record,
    isOurs() {
      const here = statSync(path, { throwIfNoEntry: false });
      return file === null || here === undefined || here.ino === fstatSync(file).ino;
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

/** The events of a journal; a last line without its end was cut off when its writer died, and is left out. Throws `bad-message` and `newer-version`. */
export async function readJournal(path: string): Promise<readonly CoordinatorEvent[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line, index) => decodeLine(line, `${path}:${index + 1}`));
}
