// Whether the run that an agent serves is still open. The same heartbeat reports that the agent is alive and which attempts it serves.

import type { Redis } from 'ioredis';
import type { Lane } from '../../shared/domain/attempt.ts';
import type { AgentId } from '../../shared/domain/ids.ts';
import { connectionsOf } from '../../shared/redis/connections.ts';
import { KEY_LIFE_SECONDS, movingKeys, PRESENCE_MS, queueKeys, type RunKeys } from '../../shared/redis/keys.ts';
import { runScript, script } from '../../shared/redis/script.ts';

/** How long an agent waits for a new announcement of a run that its server has lost because it restarted empty. */
const RETURN_MS = 60_000;
/** How long an agent serves a run whose coordinator is silent. In this time another coordinator may take it over. */
const ORPHANED_MS = 5 * 60_000;
/** How often a heartbeat renews every lifetime and asks for the server's id. Lifetimes are a day long. */
const RENEW_MS = 60_000;

// Keys that appeared since the last heartbeat get a lifetime; every live agent does this. All lifetimes are renewed if the caller asks for
// it, or if this heartbeat created the list of agents anew because the server had lost it.
// An account of agents may only read spec and coordinator, so they are not declared as keys; the coordinator renews them.
// KEYS agents, holding, keys that appear as attempts move, further keys to renew
// ARGV agent, life in ms, life of the keys in s, attempts it holds, number of moving keys, 1 to renew everything, spec, coordinator
// Returns whether the run exists; if it is missing or all is renewed, an id that changes with each start of the server, else ''; and for
// how many ms the coordinator was silent.
const BEAT = script(`
local function server() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '' end
if redis.call('EXISTS', ARGV[7]) == 0 then return { 0, server(), 0 } end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
local silent = now - tonumber(redis.call('HGET', ARGV[8], 'at') or now)
if ARGV[6] == '1' or redis.call('TTL', KEYS[1]) == -1 then
  for i = 1, #KEYS do redis.call('EXPIRE', KEYS[i], ARGV[3]) end
  return { 1, server(), silent }
end
for i = 3, 2 + ARGV[5] do
  if redis.call('TTL', KEYS[i]) == -1 then redis.call('EXPIRE', KEYS[i], ARGV[3]) end
end
return { 1, '', silent }`);

export interface RunLife {
  /** Reports that `agent` is alive and holds these attempts. */
  beat(agent: AgentId, holding: readonly string[]): Promise<void>;
  /** Whether the run is closed or lost for good, as of the last heartbeat. */
  isOver(): boolean;
  /** How often the run reappeared after its server had lost it. A reader of its streams must then start over. */
  returns(): number;
}

/** The last heartbeat that renewed everything: when, and on which connection. */
interface Renewal {
  readonly at: number;
  readonly connection: number;
}

/**
 * If the run is missing on the server that had it, the run was closed. A restarted server may only have lost it. `lanes` are those whose
 * queues the agent pulls from, and `now` returns milliseconds that never go back.
 */
export function followRun(
  redis: Redis,
  keys: RunKeys,
  now: () => number = () => performance.now(),
  lanes: readonly (Lane | null)[] = [null],
): RunLife {
  const moving = lanes.flatMap((lane) => movingKeys(keys, lane));
  const others = lanes.flatMap((lane) => queueKeys(keys, lane)).filter((key) => !moving.includes(key));
  const beatKeys = [keys.agents, keys.holding, ...moving, keys.numbers, ...others];
  let renewal: Renewal | null = null;
  let server: string | null = null;
  let missingSince: number | null = null;
  let isOver = false;
  let returns = 0;
  return {
    async beat(agent, holding) {
      const [at, connection] = [now(), connectionsOf(redis)];
      // A server that restarted has another id, and every restart breaks the connection.
      const renews = renewal === null || renewal.connection !== connection || at - renewal.at > RENEW_MS;
      const answer = await runScript(redis, BEAT, beatKeys, [
        ...[agent, PRESENCE_MS.life, KEY_LIFE_SECONDS, holding.join(' '), moving.length],
        ...[renews ? 1 : 0, keys.spec, keys.coordinator],
      ]);
      const [isThere, current, silentMs] = Array.isArray(answer) ? answer : [];
      if (isThere === 1) {
        if (missingSince !== null) returns += 1;
        missingSince = null;
        if (current !== '') {
          server = String(current);
          renewal = { at, connection };
        }
        isOver = Number(silentMs) > ORPHANED_MS;
        return;
      }
      renewal = null;
      missingSince ??= at;
      server ??= String(current);
      isOver ||= String(current) === server || at - missingSince > RETURN_MS;
    },
    isOver: () => isOver,
    returns: () => returns,
  };
}
