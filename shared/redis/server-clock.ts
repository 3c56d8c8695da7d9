// The Redis server's clock. Coordinator and agents share it because the machines' clocks differ.

import type { Redis } from 'ioredis';
import { retryWhileUnavailable } from './retry-while-unavailable.ts';

/** The number of requests. The fastest reply gives the most exact time. */
const QUESTIONS = 3;

/** Milliseconds since the epoch by the server's clock, accurate to half of the fastest round trip. */
export async function serverNow(redis: Redis): Promise<number> {
  let quickestMs = Number.POSITIVE_INFINITY;
  let aheadMs = 0;
  for (let question = 0; question < QUESTIONS; question += 1) {
    let askedAt = 0;
    const [seconds = 0, microseconds = 0] = await retryWhileUnavailable(async () => {
      askedAt = performance.now();
      return (await redis.time()).map(Number);
    });
    const tookMs = performance.now() - askedAt;
    if (tookMs >= quickestMs) continue;
    quickestMs = tookMs;
    aheadMs = seconds * 1000 + microseconds / 1000 - (askedAt + tookMs / 2);
  }
  return performance.now() + aheadMs;
}
