// The Redis server's clock. Coordinator and agents share it because the machines' clocks differ.
//
// The servers of a cluster differ too, and TIME, which has no key, may reach any of them. So each question names a key, and the server that
// holds it answers: the one whose clock stamps what is stored beside it.

import type { Redis } from 'ioredis';
import { isCluster } from './cluster.ts';
import { poolKeys } from './keys.ts';
import { retryWhileUnavailable } from './retry-while-unavailable.ts';

/** The number of requests. The fastest reply gives the most exact time. */
const QUESTIONS = 3;

/** Milliseconds since the epoch by the clock of the server that holds `key`. */
export async function timeAt(redis: Redis, key: string): Promise<number> {
  const [seconds, microseconds] = isCluster(redis) ? await besideKey(redis, key) : await redis.time();
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

/** A pipeline goes to the server that holds its keys. */
async function besideKey(redis: Redis, key: string): Promise<readonly unknown[]> {
  const answers = (await redis.pipeline().time().exists(key).exec()) ?? [];
  for (const [failure] of answers) if (failure !== null) throw failure;
  const time = answers[0]?.[1];
  return Array.isArray(time) ? time : [];
}

/** Milliseconds since the epoch by the clock on which all agree in this pool, accurate to half of the fastest round trip. */
export async function serverNow(redis: Redis, pool: string): Promise<number> {
  const { agents } = poolKeys(pool);
  let quickestMs = Number.POSITIVE_INFINITY;
  let aheadMs = 0;
  for (let question = 0; question < QUESTIONS; question += 1) {
    let askedAt = 0;
    const time = await retryWhileUnavailable(() => {
      askedAt = performance.now();
      return timeAt(redis, agents);
    });
    const tookMs = performance.now() - askedAt;
    if (tookMs >= quickestMs) continue;
    quickestMs = tookMs;
    aheadMs = time - (askedAt + tookMs / 2);
  }
  return performance.now() + aheadMs;
}
