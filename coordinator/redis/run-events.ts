// Reads a run's events from their stream, and starts over when Redis has lost it.

import type { Redis } from 'ioredis';
import { runKeys } from '../../shared/redis/keys.ts';
import { readStream } from '../../shared/redis/read-stream.ts';
import type { Reader } from '../../shared/wire/envelope.ts';
import type { StreamedEvents, UnreadableEntry } from '../ports.ts';
import { readEntry } from './stream-entry.ts';

/** Batches of events per read. */
const READ_BATCHES = 200;

export interface RunEvents {
  /** See `RunChannel.events`. */
  read(from: string, signal: AbortSignal): AsyncGenerator<readonly (StreamedEvents | UnreadableEntry)[]>;
  /** A lost stream starts again, and its new ids may be below those already read. */
  restart(): void;
}

export function createRunEvents(redis: Redis, reader: Reader): RunEvents {
  const keys = runKeys(reader.run);
  let restart = new AbortController();
  return {
    async *read(from, signal) {
      for (let after = from; !signal.aborted; after = '0') {
        const reading = AbortSignal.any([signal, restart.signal]);
        for await (const entries of readStream(redis, keys.events, after, READ_BATCHES, reading)) {
          if (entries.length === 0) continue;
          yield entries.map((entry) => readEntry(entry, reader));
        }
      }
    },
    restart() {
      restart.abort();
      restart = new AbortController();
    },
  };
}
