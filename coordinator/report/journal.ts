// `events.ndjson`: every event of a run, in order, one JSON object a line; enough to rebuild everything that is reported.

import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import type { CoordinatorEvent } from '../core/events.ts';
import { decodeLine, encodeLine } from './journal-codec.ts';

export interface Journal {
  record(event: CoordinatorEvent): void;
  /** Resolves when everything is written. Throws `output-not-writable`. */
  close(): Promise<void>;
}

export function openJournal(path: string): Journal {
  const stream = createWriteStream(path, { flags: 'w' });
  // Awaited at the end; a listener now, so that a full disk does not end the run.
  const done = finished(stream).then(
    () => null,
    (thrown: unknown) => new ShardlineError('output-not-writable', { path, problem: messageOf(thrown) }, { cause: thrown }),
  );
  return {
    record(event) {
      if (!stream.destroyed) stream.write(encodeLine(event));
    },
    async close() {
      stream.end();
      const failure = await done;
      if (failure !== null) throw failure;
    },
  };
}

/** The events of a journal; a last line without its end was cut off when its writer died, and is left out. Throws `bad-message` and `newer-version`. */
export async function readJournal(path: string): Promise<readonly CoordinatorEvent[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line, index) => decodeLine(line, `${path}:${index + 1}`));
}
