// The real clock.

import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, LONGEST_TIMER_MS } from '../clock.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  async wait(ms, signal) {
    const until = performance.now() + ms;
    const options = signal === undefined ? {} : { signal };
    try {
      for (let leftMs = ms; leftMs > LONGEST_TIMER_MS; leftMs = until - performance.now())
        await delay(LONGEST_TIMER_MS, undefined, options);
      await delay(Math.max(0, until - performance.now()), undefined, options);
    } catch (thrown) {
      // Node rejects with an error of its own.
      signal?.throwIfAborted();
      throw thrown;
    }
  },
};
