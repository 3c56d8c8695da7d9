// Which agents of a pool are alive, by the server's clock, because the machines' clocks differ; what they say of themselves; and who is to
// drain.

import type { Redis } from 'ioredis';
import type { AgentId } from '../domain/ids.ts';
import { type AgentFacts, readFacts } from '../wire/fleet/agent-facts.ts';
import { DRAIN_REQUEST_MS, type DrainRequest, encodeDrain } from '../wire/fleet/drain.ts';
import { agentIdSchema, readId } from '../wire/parse.ts';
import type { Signer } from '../wire/signature.ts';
import { type PoolKeys, PRESENCE_MS } from './keys.ts';
import { runScript, script } from './script.ts';
import { timeAt } from './server-clock.ts';

/** How long the name of a lost agent is kept, in milliseconds. */
const FORGET_MS = 60_000;

// An agent without a heartbeat for its lifetime is gone. When all are gone, the keys expire too.
// The requests to drain are no KEYS, because an agent's account may only read them.
// KEYS agents, facts   ARGV agent, life in ms, its facts, time to forget a lost agent in ms, key of the requests to drain
// Returns the request to drain this agent, or '', and the time in ms
const BEAT = script(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[4], 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('HDEL', KEYS[2], gone)
end
return { redis.call('HGET', ARGV[5], ARGV[1]) or '', now }`);

/** What a heartbeat learns. */
export interface Heard {
  /** The text of a request to drain this agent; empty if there is none. */
  readonly drain: string;
  /** The server's clock, in milliseconds since the epoch. */
  readonly now: number;
}

/** Reports once that `agent` is alive, with its encoded facts. */
export async function beat(redis: Redis, { agents, facts, drains }: PoolKeys, agent: AgentId, encoded: string): Promise<Heard> {
  const answer = await runScript(redis, BEAT, [agents, facts], [agent, PRESENCE_MS.life, encoded, FORGET_MS, drains]);
  const [drain, now] = Array.isArray(answer) ? answer : [];
  return { drain: String(drain ?? ''), now: Number(now) };
}

export async function leavePresence(redis: Redis, { agents, facts }: PoolKeys, agent: AgentId): Promise<void> {
  await redis.multi().zrem(agents, agent).hdel(facts, agent).exec();
}

/** Without a script, so that an account may watch a pool that may only read. */
export async function alive(redis: Redis, agentsKey: string): Promise<readonly AgentId[]> {
  const names = await redis.zrangebyscore(agentsKey, await timeAt(redis, agentsKey), '+inf');
  return names.flatMap((name) => readId(agentIdSchema, name));
}

/** The facts of these agents; null for one without facts that this version can read. */
export async function factsOf(
  redis: Redis,
  { facts }: PoolKeys,
  agents: readonly AgentId[],
): Promise<ReadonlyMap<AgentId, AgentFacts | null>> {
  const texts = agents.length === 0 ? [] : await redis.hmget(facts, ...agents);
  return new Map(agents.map((agent, index) => [agent, readFacts(texts[index])]));
}

/** Asks an agent to drain. It reads the request with its next heartbeat. */
export async function requestDrain(redis: Redis, { drains }: PoolKeys, request: DrainRequest, signer: Signer | null): Promise<void> {
  await redis.multi().hset(drains, request.agent, encodeDrain(request, signer)).pexpire(drains, DRAIN_REQUEST_MS).exec();
}
