// `events.ndjson`: every event of a run, in order, one JSON object a line; enough to rebuild everything that is reported.

import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { EVENT_VERSION } from '../../shared/events.ts';
import type { CoordinatorEvent } from '../core/events.ts';

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
      if (!stream.destroyed) stream.write(`${JSON.stringify({ version: EVENT_VERSION, ...event })}\n`);
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
  return lines.map((line, index) => readLine(line, `${path}:${index + 1}`));
}

function readLine(line: string, source: string): CoordinatorEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (thrown) {
    throw new ShardlineError('bad-message', { source, problem: messageOf(thrown) }, { cause: thrown });
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || !('kind' in value)) {
    throw new ShardlineError('bad-message', { source, problem: 'it is not an event' });
  }
  if (Number(value.version) > EVENT_VERSION) {
    throw new ShardlineError('newer-version', { found: Number(value.version), known: EVENT_VERSION });
  }
  const { version: _, ...event } = value;
  // Agents' events were checked when they came from Redis; the file is our own.
  return event as CoordinatorEvent;
}
