// Durations of earlier runs, kept in the pool's hash: one field a test file.

import type { Redis } from 'ioredis';
import type { TestFile } from '../../shared/ids.ts';
import { poolKeys, TIMINGS_LIFE_SECONDS } from '../../shared/redis/keys.ts';
import type { FileTiming } from '../../shared/timings.ts';
import { decodeFileTiming, decodeTimedFile, encodeFileTiming } from '../../shared/wire/timings.ts';
import type { TimingStore } from '../ports.ts';

const CHUNK = 500;

/** A pool's agents all have one workspace, so a pool has one suite. `load` throws `bad-message` and `newer-version`. */
export function redisTimingStore(redis: Redis, pool: string): TimingStore {
  const key = poolKeys(pool).timings;
  return {
    async load() {
      const timings = new Map<TestFile, FileTiming>();
      for (const [name, text] of Object.entries(await redis.hgetall(key))) {
        const file = decodeTimedFile(name);
        if (file !== null) timings.set(file, decodeFileTiming(text, `durations of ${name} in pool ${pool}`));
      }
      return timings;
    },
    async save(timings) {
      const entries = [...timings];
      for (let from = 0; from < entries.length; from += CHUNK) {
        const fields = entries.slice(from, from + CHUNK).flatMap(([file, timing]) => [file, encodeFileTiming(timing)]);
        await redis
          .multi()
          .hset(key, ...fields)
          .expire(key, TIMINGS_LIFE_SECONDS)
          .exec();
      }
    },
  };
}
