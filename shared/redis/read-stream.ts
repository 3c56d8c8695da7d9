// Follows one Redis stream from an entry on.

import type { Redis } from 'ioredis';
import { connectAgain } from './connect.ts';
import { patiently } from './retry-while-unavailable.ts';

/** How long one read waits for the first entry; also how long a reader goes without hearing that there is nothing. */
const BLOCK_MS = 1000;

export interface StreamEntry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Every entry of `key` after `from` (`0` for all), in batches of up to `count`, over a connection of its own; an empty batch when a second
 * went by without one. Ends when `signal` aborts.
 */
export async function* readStream(
  redis: Redis,
  key: string,
  from: string,
  count: number,
  signal: AbortSignal,
): AsyncGenerator<readonly StreamEntry[]> {
  if (signal.aborted) return;
  const reader = connectAgain(redis);
  // A blocked read ends with its connection, at once; but one that waits for a connection to be made again never settles (ioredis 6.0: `disconnect`
  // while it is reconnecting only stops the timer).
  // Once only: a second farewell to a closed connection would hold the process for its time limit.
  const aborted = Promise.withResolvers<null>();
  const onAbort = (): void => {
    aborted.resolve(null);
    if (reader.status !== 'end') reader.disconnect();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  let last = from;
  const read = () => reader.xread('COUNT', count, 'BLOCK', BLOCK_MS, 'STREAMS', key, last);
  try {
    while (!signal.aborted) {
      const answer = await Promise.race([patiently(read), aborted.promise]);
      if (signal.aborted) return;
      const entries = (answer?.[0]?.[1] ?? []).map(([id, fields]) => ({ id, fields: toMap(fields) }));
      last = entries.at(-1)?.id ?? last;
      yield entries;
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
    onAbort();
  }
}

function toMap(fields: readonly string[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) map.set(fields[at] ?? '', fields[at + 1] ?? '');
  return map;
}
