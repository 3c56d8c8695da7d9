// The heartbeat that shows that an agent is alive, and the time limit of its farewell.

import { setTimeout as delay } from 'node:timers/promises';
import { PRESENCE_MS } from '../../shared/redis/keys.ts';

export interface Heartbeat {
  stop(): Promise<void>;
}

/** Calls `once` now and then every `everyMs` until stopped. Waits for each call to settle before the next one. */
export function startHeartbeat(once: () => Promise<void>, warn: (problem: unknown) => void, everyMs: number = PRESENCE_MS.beat): Heartbeat {
  const over = new AbortController();
  const stopped = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve(), { once: true }));
  const beating = (async () => {
    while (!over.signal.aborted) {
      await Promise.race([once().catch(warn), stopped]);
      await Promise.race([delay(everyMs, undefined, { signal: over.signal }).catch(() => undefined), stopped]);
    }
  })();
  return {
    async stop() {
      over.abort();
      await beating;
    },
  };
}

/** Waits at most a second for the farewell. It is optional: if Redis is away, the agent's silence has the same effect a little later. */
export async function withinASecond(farewell: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([farewell.catch(() => undefined), delay(1000, undefined, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
}
