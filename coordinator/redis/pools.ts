// Announces runs to the agents of a pool.

import type { Redis } from 'ioredis';
import { KEY_LIFE_SECONDS, poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { alive } from '../../shared/redis/presence.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { encodeSpec } from '../../shared/wire/run-spec.ts';
import type { Pools } from '../ports.ts';
import { openChannel } from './run-channel.ts';

/** How many openings the pool's stream remembers: it only wakes agents, the hash says what is open. */
const OPENINGS = 100;

export function redisPools(redis: Redis): Pools {
  return {
    async openRun(spec) {
      const run = runKeys(spec.runId);
      const pool = poolKeys(spec.pool);
      const text = encodeSpec(spec);
      // The run before its announcement: whoever hears of it finds it open.
      await redis.set(run.spec, text, 'EX', KEY_LIFE_SECONDS);
      await redis
        .multi()
        .hset(pool.runs, spec.runId, text)
        .expire(pool.runs, KEY_LIFE_SECONDS)
        .xadd(pool.opened, 'MAXLEN', '~', OPENINGS, '*', 'run', spec.runId)
        .expire(pool.opened, KEY_LIFE_SECONDS)
        .exec();
      return openChannel(redis, spec);
    },
    serverNow: () => serverNow(redis),
    aliveAgents: (pool) => alive(redis, poolKeys(pool).agents),
  };
}
