// Which agents of a pool are alive, by the server's clock, because the machines' clocks differ.

import type { Redis } from 'ioredis';
import type { AgentId } from '../domain/ids.ts';
import { agentIdSchema, readId } from '../wire/parse.ts';
import { PRESENCE_MS } from './keys.ts';
import { runScript, script } from './script.ts';

// An agent without a heartbeat for its lifetime is gone. When all are gone, the key expires too.
// KEYS agents   ARGV agent, life in ms
const BEAT = script(`
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`);

const ALIVE = `
local t = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[1], t[1] * 1000 + math.floor(t[2] / 1000), '+inf')`;

/** Reports once that `agent` is alive. */
export async function beat(redis: Redis, agentsKey: string, agent: AgentId): Promise<void> {
  await runScript(redis, BEAT, [agentsKey], [agent, PRESENCE_MS.life]);
}

export async function leavePresence(redis: Redis, agentsKey: string, agent: AgentId): Promise<void> {
  await redis.zrem(agentsKey, agent);
}

export async function alive(redis: Redis, agentsKey: string): Promise<readonly AgentId[]> {
  const names: unknown = await redis.eval(ALIVE, 1, agentsKey);
  return Array.isArray(names) ? names.flatMap((name) => readId(agentIdSchema, String(name))) : [];
}
