// The beat by which an agent says that it is alive, and the farewell that nobody waits for long.

import { setTimeout as delay } from 'node:timers/promises';
import { PRESENCE_MS } from '../../shared/redis/keys.ts';

export interface Heart {
  stop(): Promise<void>;
}

/** Calls `once` now and every second until stopped; the next is not called before the last has answered. */
export function keepBeating(once: () => Promise<void>, warn: (problem: unknown) => void): Heart {
  const over = new AbortController();
  const stopped = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve(), { once: true }));
  const beating = (async () => {
    while (!over.signal.aborted) {
      await Promise.race([once().catch(warn), stopped]);
      await Promise.race([delay(PRESENCE_MS.beat, undefined, { signal: over.signal }).catch(() => undefined), stopped]);
    }
  })();
  return {
    async stop() {
      over.abort();
      await beating;
    },
  };
}

/** A farewell is a courtesy: where Redis is away, silence says the same a little later. */
export async function withinASecond(farewell: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([farewell.catch(() => undefined), delay(1000, undefined, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
}
