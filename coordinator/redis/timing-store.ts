// Stores durations of earlier runs in the pool's hash: one field per test file.

import type { Redis } from 'ioredis';
import type { TestFile } from '../../shared/domain/ids.ts';
import type { FileTiming } from '../../shared/domain/suite/timings.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { poolKeys, TIMINGS_LIFE_SECONDS } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { decodeFileTiming, decodeTimedFile, encodeFileTiming, storable } from '../../shared/wire/suite/timings.ts';
import type { OnDropped, TimingStore } from '../ports.ts';

const CHUNK = 500;

/**
 * `suite` is the name of a suite or of a pool: a pool has one suite, because all its agents have the same workspace. Drops unusable entries, including those of a
 * newer version.
 */
export function redisTimingStore(redis: Redis, suite: string, onDropped: OnDropped): TimingStore {
  const key = poolKeys(suite).timings;
  return {
    async load() {
      const files = new Map<TestFile, FileTiming>();
      let dropped = 0;
      for (const [name, text] of Object.entries(await redis.hgetall(key))) {
        const file = decodeTimedFile(name);
        try {
          if (file !== null) files.set(file, decodeFileTiming(text, `durations of ${name} in pool ${suite}`));
        } catch (thrown) {
          if (!(thrown instanceof ShardlineError)) throw thrown;
          dropped += 1;
        }
      }
      if (dropped > 0) onDropped(dropped, `pool ${suite}`);
      return files;
    },
    async save(measured) {
      const { timings, dropped } = storable(measured);
      if (dropped > 0) onDropped(dropped, 'this run');
      const entries = [...timings].map(([file, timing]) => [file, encodeFileTiming(timing)]);
      for (let from = 0; from < entries.length; from += CHUNK) {
        const chunk = entries.slice(from, from + CHUNK).flat();
        await retryWhileUnavailable(() =>
          redis
            .multi()
            .hset(key, ...chunk)
            .expire(key, TIMINGS_LIFE_SECONDS)
            .exec(),
        );
      }
    },
  };
}
