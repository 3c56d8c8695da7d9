// Implements the `Pools` port: announces runs to the agents of a pool.

import type { Redis } from 'ioredis';
import { poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { alive } from '../../shared/redis/presence.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { NEW_RUN } from '../lease-claim.ts';
import type { Pools } from '../ports.ts';
import { readScript } from './read-script.ts';
import { type ChannelOptions, openChannel } from './run-channel.ts';

const CANCEL = readScript('cancel-run');

export const redisPools = (
  redis: Redis,
  { line = null, keepsLog = true, signer = null, verifier = NO_VERIFIER }: Partial<ChannelOptions> = {},
): Pools => ({
  openRun: (spec, takeOver = {}) => openChannel(redis, spec, { line, keepsLog, signer, verifier }, { ...NEW_RUN, ...takeOver }),
  serverNow: (pool) => serverNow(redis, pool),
  async cancel(run) {
    const { spec, coordinator } = runKeys(run);
    return (await redis.eval(CANCEL, 2, spec, coordinator)) === 1;
  },
  aliveAgents: (pool) => alive(redis, poolKeys(pool).agents),
});
