// Which agents of a pool are connected to Redis now, by the channel to which each one subscribes.

import type { Redis } from 'ioredis';
import type { AgentId } from '../../shared/domain/ids.ts';
import { agentChannel } from '../../shared/redis/keys.ts';
import { followSubscribers } from './subscribers.ts';

export interface ConnectedAgents {
  /** See `RunChannel.connected`. */
  among(agents: readonly AgentId[]): Promise<ReadonlySet<AgentId> | null>;
  close(): void;
}

export function followConnections(redis: Redis, pool: string): ConnectedAgents {
  const subscribers = followSubscribers(redis);
  return {
    async among(agents) {
      const channels = await subscribers.among(agents.map((agent) => agentChannel(pool, agent)));
      return channels && new Set(agents.filter((agent) => channels.has(agentChannel(pool, agent))));
    },
    close: subscribers.close,
  };
}
