// A client of a Redis Cluster. All keys of a run share one slot, and so do all keys of a pool, so one server holds each of them.

import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import type { Host } from '../settings/redis-url.ts';

/** Opens a client that finds the other servers by these. `retry` decides how long it looks for a server that answers. */
export function openCluster(
  servers: readonly Host[],
  redisOptions: Omit<RedisOptions, 'replyMapping'>,
  retry: (attempt: number) => number | null,
): Redis {
  const options = { lazyConnect: true, clusterRetryStrategy: retry, redisOptions };
  // Both classes have the same commands, events and connection methods. Only `duplicate` differs: see `duplicateCluster`.
  return new Cluster([...servers], options) as unknown as Redis;
}

/** A cluster broadcasts messages to all of its servers, but each counts only its own subscribers. */
export const isCluster = (redis: Redis): boolean => (redis as Redis | Cluster).isCluster;

/** A second client of the same cluster. */
export function duplicateCluster(redis: Redis, retry: (attempt: number) => number | null): Redis {
  const cluster = redis as unknown as Cluster;
  return cluster.duplicate([], { lazyConnect: false, clusterRetryStrategy: retry }) as unknown as Redis;
}
