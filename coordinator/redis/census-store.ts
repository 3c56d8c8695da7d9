// Stores censuses of earlier runs in the pool's hash, one field per key.

import type { Redis } from 'ioredis';
import { poolKeys, TIMINGS_LIFE_SECONDS } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { decodeCensus, encodeCensus } from '../../shared/wire/suite/census.ts';
import type { CensusStore } from '../ports.ts';

/** An unreadable entry counts as missing: the next run takes the census again. */
export function redisCensusStore(redis: Redis, pool: string): CensusStore {
  const hash = poolKeys(pool).census;
  return {
    async load(key) {
      const text = await redis.hget(hash, key);
      try {
        return text === null ? null : decodeCensus(text, `census of pool ${pool}`);
      } catch {
        return null;
      }
    },
    async save(key, census) {
      await retryWhileUnavailable(() => redis.multi().hset(hash, key, encodeCensus(census)).expire(hash, TIMINGS_LIFE_SECONDS).exec());
    },
  };
}
