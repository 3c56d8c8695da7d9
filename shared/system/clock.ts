// The real clock.

import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** A longer delay than this, of nearly 25 days, a timer takes for none. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  async wait(ms, signal) {
    const until = performance.now() + ms;
    const options = signal === undefined ? {} : { signal };
    for (let leftMs = ms; leftMs > LONGEST_MS; leftMs = until - performance.now()) await delay(LONGEST_MS, undefined, options);
    await delay(Math.max(0, until - performance.now()), undefined, options);
  },
};
