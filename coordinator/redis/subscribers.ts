// Which channels have a subscriber now. A process subscribes to a channel of its own while it is connected, and sends nothing there.

import type { Redis } from 'ioredis';
import { isCluster } from '../../shared/redis/cluster.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';

export interface Subscribers {
  /** Those of these channels that have a subscriber. null if the answer proves nothing: the account may not ask, the server is a cluster, or
   * connections just broke. */
  among(channels: readonly string[]): Promise<ReadonlySet<string> | null>;
  /** Stops counting this process's own connections. */
  close(): void;
}

export function followSubscribers(redis: Redis): Subscribers {
  let connections = 0;
  const onReady = (): void => {
    connections += 1;
  };
  redis.on('ready', onReady);
  return {
    async among(channels) {
      // Each server of a cluster counts only its own subscribers.
      if (isCluster(redis)) return null;
      const connection = connections;
      try {
        const answer = channels.length === 0 ? [] : await retryWhileUnavailable(() => redis.call('PUBSUB', 'NUMSUB', ...channels));
        const counts = Array.isArray(answer) ? answer.filter((_, at) => at % 2 === 1).map(Number) : [];
        // A break of our connection breaks the others' too, and each reconnects in its own time.
        if (connection !== connections) return null;
        return new Set(channels.filter((_, at) => (counts[at] ?? 0) > 0));
      } catch (thrown) {
        if (/NOPERM/.test(String(thrown))) return null;
        throw thrown;
      }
    },
    close: () => void redis.off('ready', onReady),
  };
}
