// Shows that this command is connected to Redis, by its subscription to a channel of its own. However the process ends, its connections
// end with it, and a command that waits for its lease notices at once.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { isCluster } from '../../shared/redis/cluster.ts';
import { connectAgain } from '../../shared/redis/connect.ts';
import { coordinatorChannel } from '../../shared/redis/keys.ts';

/** How long to wait for the subscription, in milliseconds. Without it, a lease is free only once it has expired. */
const SUBSCRIBE_MS = 2000;

export interface LivenessLine {
  readonly id: string;
  /** Resolves with false in a cluster, if the account may not subscribe, or if the server accepts no further connection. Never rejects. */
  readonly isSubscribed: Promise<boolean>;
  close(): void;
}

/** Subscribes over a connection of its own. */
export function openLivenessLine(redis: Redis): LivenessLine {
  const id = randomUUID();
  if (isCluster(redis)) return { id, isSubscribed: Promise.resolve(false), close: () => undefined };
  const line = connectAgain(redis);
  const subscribed = line.subscribe(coordinatorChannel(id)).then(
    () => true,
    () => false,
  );
  return {
    id,
    isSubscribed: Promise.race([subscribed, delay(SUBSCRIBE_MS, false, { ref: false })]),
    close: () => line.disconnect(),
  };
}
