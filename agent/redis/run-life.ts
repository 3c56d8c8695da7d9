// Whether the run that an agent serves is still on. By the same beat the agent says that it is alive and which attempts it is serving.

import type { Redis } from 'ioredis';
import type { AgentId } from '../../shared/domain/ids.ts';
import { KEY_LIFE_SECONDS, PRESENCE_MS, queueKeys, type RunKeys } from '../../shared/redis/keys.ts';

/** How long a run whose server has lost it, as it came back empty, is given to be announced again. */
const RETURN_MS = 60_000;
/** How long a run without a sign of its coordinator is served: so long another may take it over. */
const ORPHANED_MS = 5 * 60_000;

// BullMQ's keys come and go as jobs move; whoever is alive keeps those that are there from staying for ever.
// KEYS spec, agents, holding, coordinator, further keys whose life is renewed   ARGV agent, life in ms, life of the keys in s, attempts it holds
// Returns whether the run is there, what tells one start of the server from the next, and for how many ms the coordinator was silent.
const BEAT = `
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0, server, 0 } end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
for i = 1, #KEYS do redis.call('EXPIRE', KEYS[i], ARGV[3]) end
return { 1, server, now - tonumber(redis.call('HGET', KEYS[4], 'at') or now) }`;

export interface RunLife {
  /** Says that `agent` is alive and holds these attempts. */
  beat(agent: AgentId, holding: readonly string[]): Promise<void>;
  /** Is the run closed, or lost for good? As of the last beat. */
  isOver(): boolean;
  /** How many times the run was there again after its server had lost it: whoever reads its streams begins anew. */
  returns(): number;
}

/** A run that is not there was closed if its server is the one that had it; a server that was started anew may only have lost it. */
export function followRun(redis: Redis, keys: RunKeys): RunLife {
  let server: string | null = null;
  let missingSince: number | null = null;
  let isOver = false;
  let returns = 0;
  return {
    async beat(agent, holding) {
      const answer: unknown = await redis.eval(
        BEAT,
        5 + queueKeys(keys).length,
        ...[keys.spec, keys.agents, keys.holding, keys.coordinator, keys.numbers, ...queueKeys(keys)],
        ...[agent, PRESENCE_MS.life, KEY_LIFE_SECONDS, holding.join(' ')],
      );
      const [isThere, current, silentMs] = Array.isArray(answer) ? answer : [];
      if (isThere === 1) {
        if (missingSince !== null) returns += 1;
        missingSince = null;
        server = String(current);
        isOver = Number(silentMs) > ORPHANED_MS;
        return;
      }
      missingSince ??= performance.now();
      server ??= String(current);
      isOver ||= String(current) === server || performance.now() - missingSince > RETURN_MS;
    },
    isOver: () => isOver,
    returns: () => returns,
  };
}
