// Follows one Redis stream from a given entry.

import type { Redis } from 'ioredis';
import { connectAgain } from './connect.ts';
import { retryWhileUnavailable } from './retry-while-unavailable.ts';

/** How long one read waits for the first entry, in milliseconds. It is also the interval at which a reader receives an empty batch. */
const BLOCK_MS = 1000;

export interface StreamEntry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Yields every entry of `key` after `from` (`0` for all), in batches of up to `count`, over its own connection. Yields an empty batch when
 * `blockMs` pass without an entry. Ends when `signal` aborts.
 */
export async function* readStream(
  redis: Redis,
  key: string,
  from: string,
  count: number,
  signal: AbortSignal,
  blockMs: number = BLOCK_MS,
): AsyncGenerator<readonly StreamEntry[]> {
  if (signal.aborted) return;
  const reader = connectAgain(redis);
  // A blocked read ends at once when its connection closes. A read that waits for a reconnection never settles: in ioredis 6.0,
  // `disconnect` during a reconnection only stops the timer, so `aborted` ends the wait.
  // It disconnects only once: a second disconnect of a closed connection would keep the process alive until a time limit.
  const aborted = Promise.withResolvers<null>();
  const onAbort = (): void => {
    aborted.resolve(null);
    if (reader.status !== 'end') reader.disconnect();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  let last = from;
  const read = () => reader.xread('COUNT', count, 'BLOCK', blockMs, 'STREAMS', key, last);
  try {
    while (!signal.aborted) {
      const answer = await Promise.race([retryWhileUnavailable(read), aborted.promise]);
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
