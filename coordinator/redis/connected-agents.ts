// Which agents of a pool are connected to Redis now, by the channel to which each one subscribes.

import type { Redis } from 'ioredis';
import type { AgentId } from '../../shared/domain/ids.ts';
import { lifeline } from '../../shared/redis/keys.ts';
import { patiently } from '../../shared/redis/retry-while-unavailable.ts';

export interface ConnectedAgents {
  /** See `RunChannel.connected`. */
  among(agents: readonly AgentId[]): Promise<ReadonlySet<AgentId> | null>;
  /** Stops counting this process's own connections. */
  close(): void;
}

export function followConnections(redis: Redis, pool: string): ConnectedAgents {
  let connections = 0;
  const onReady = (): void => {
    connections += 1;
  };
  redis.on('ready', onReady);
  return {
    async among(agents) {
      const connection = connections;
      try {
        const lines = agents.map((agent) => lifeline(pool, agent));
        const counts = agents.length === 0 ? [] : await patiently(() => redis.call('PUBSUB', 'NUMSUB', ...lines));
        const listeners = Array.isArray(counts) ? counts.filter((_, at) => at % 2 === 1).map(Number) : [];
        // A break of our connection breaks the agents' connections too, and each reconnects in its own time.
        if (connection !== connections) return null;
        return new Set(agents.filter((_, at) => (listeners[at] ?? 0) > 0));
      } catch (thrown) {
        if (/NOPERM/.test(String(thrown))) return null;
        throw thrown;
      }
    },
    close: () => void redis.off('ready', onReady),
  };
}
