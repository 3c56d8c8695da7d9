// Implements the `Pools` port: announces runs to the agents of a pool.

import type { Redis } from 'ioredis';
import { poolKeys } from '../../shared/redis/keys.ts';
import { alive } from '../../shared/redis/presence.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import type { Pools } from '../ports.ts';
import { openChannel } from './run-channel.ts';

/** `keepsLog`: runs have a log in Redis too. A Redis that ends with its coordinator has no use for one. */
export const redisPools = (redis: Redis, { keepsLog }: { readonly keepsLog: boolean } = { keepsLog: true }): Pools => ({
  openRun: (spec, earlier = async () => []) => openChannel(redis, spec, earlier, keepsLog),
  serverNow: () => serverNow(redis),
  aliveAgents: (pool) => alive(redis, poolKeys(pool).agents),
});
