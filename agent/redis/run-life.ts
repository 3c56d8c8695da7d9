// Whether the run that an agent serves is still open. The same heartbeat reports that the agent is alive and which attempts it serves.

import type { Redis } from 'ioredis';
import type { AgentId } from '../../shared/domain/ids.ts';
import { KEY_LIFE_SECONDS, PRESENCE_MS, queueKeys, type RunKeys } from '../../shared/redis/keys.ts';

/** How long an agent waits for a new announcement of a run that its server has lost because it restarted empty. */
const RETURN_MS = 60_000;
/** How long an agent serves a run whose coordinator is silent. In this time another coordinator may take it over. */
const ORPHANED_MS = 5 * 60_000;

// BullMQ creates and deletes keys as jobs move. Every live agent renews those that exist; the others expire.
// KEYS spec, agents, holding, coordinator, further keys to renew   ARGV agent, life in ms, life of the keys in s, attempts it holds
// Returns whether the run exists, an id that changes with each start of the server, and for how many ms the coordinator was silent.
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
  /** Reports that `agent` is alive and holds these attempts. */
  beat(agent: AgentId, holding: readonly string[]): Promise<void>;
  /** Whether the run is closed or lost for good, as of the last heartbeat. */
  isOver(): boolean;
  /** How often the run reappeared after its server had lost it. A reader of its streams must then start over. */
  returns(): number;
}

/** If the run is missing on the server that had it, the run was closed. A restarted server may only have lost it. */
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
