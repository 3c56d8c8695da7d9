// The Redis server's clock: the one that coordinator and agents agree by, as machines' clocks differ.

import type { Redis } from 'ioredis';
import { patiently } from './retry-while-unavailable.ts';

/** How often the server is asked: the quickest answer says most exactly what time it was. */
const QUESTIONS = 3;

/** Milliseconds since the epoch by the server's clock, right to half of the quickest round trip. */
export async function serverNow(redis: Redis): Promise<number> {
  let quickestMs = Number.POSITIVE_INFINITY;
  let aheadMs = 0;
  for (let question = 0; question < QUESTIONS; question += 1) {
    let askedAt = 0;
    const [seconds = 0, microseconds = 0] = await patiently(async () => {
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
