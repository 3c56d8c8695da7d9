// A client of a Redis Cluster. All keys of a run share one slot, and so do all keys of a pool, so one server holds each of them.

import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import type { Host } from '../settings/redis-url.ts';

/** Delay before a command is sent again, in milliseconds: its server is lost, or its slot moves to another one. */
const AGAIN_MS = 100;

/**
 * Opens a client that finds the other servers by these. `retry` decides how long it looks for a server that answers. A command is sent
 * again for at least `brokenMs`, until a replica has replaced a lost server, or a slot has moved; then it rejects, see `isGivenUp`.
 */
export function openCluster(
  servers: readonly Host[],
  redisOptions: Omit<RedisOptions, 'replyMapping'>,
  retry: (attempt: number) => number | null,
  brokenMs: number,
): Redis {
  const options = {
    lazyConnect: true,
    clusterRetryStrategy: retry,
    redisOptions,
    // A lost server costs two tries each time: another server names it, and it does not answer.
    maxRedirections: 2 * (brokenMs / AGAIN_MS),
    retryDelayOnFailover: AGAIN_MS,
    retryDelayOnClusterDown: AGAIN_MS,
    retryDelayOnTryAgain: AGAIN_MS,
    // Two servers that each name the other one must not keep this process busy.
    retryDelayOnMoved: AGAIN_MS / 2,
  };
  // Both classes have the same commands, events and connection methods. Only `duplicate` differs: see `duplicateCluster`.
  return settling(new Cluster([...servers], options)) as unknown as Redis;
}

/**
 * Makes `connect` of this client and of its duplicates settle always. In ioredis 6.0 it does not if the servers answer while they lack slots,
 * as they do until a replica has replaced a lost server: the client then connects again by itself, but its caller still waits. BullMQ is
 * such a caller, after a blocking read that was overdue.
 */
function settling(cluster: Cluster): Cluster {
  const connect = cluster.connect.bind(cluster);
  const duplicate = cluster.duplicate.bind(cluster);
  cluster.connect = async () => {
    const settled = Promise.withResolvers<void>();
    const onEnd = (): void => settled.reject(new Error('None of startup nodes is available'));
    cluster.once('ready', settled.resolve);
    cluster.once('end', onEnd);
    try {
      await Promise.race([connect(), settled.promise]);
    } finally {
      cluster.off('ready', settled.resolve);
      cluster.off('end', onEnd);
    }
  };
  const duplicateSettling = (...given: Parameters<typeof duplicate>): Cluster => settling(duplicate(...given));
  return Object.assign(cluster, { duplicate: duplicateSettling });
}

/** A cluster broadcasts messages to all of its servers, but each counts only its own subscribers. */
export const isCluster = (redis: Redis): boolean => (redis as Redis | Cluster).isCluster;

/** A second client of the same cluster. */
export function duplicateCluster(redis: Redis, retry: (attempt: number) => number | null): Redis {
  const cluster = redis as unknown as Cluster;
  return cluster.duplicate([], { lazyConnect: false, clusterRetryStrategy: retry }) as unknown as Redis;
}
