// Counts how often a client has connected. Behind a new connection the server may have restarted, or be another one.

import type { Redis } from 'ioredis';

const counts = new WeakMap<Redis, { connections: number }>();

/** The number of connections that this client has made since the first call. */
export function connectionsOf(redis: Redis): number {
  const known = counts.get(redis);
  if (known !== undefined) return known.connections;
  const count = { connections: 0 };
  counts.set(redis, count);
  redis.on('ready', () => {
    count.connections += 1;
  });
  return count.connections;
}
