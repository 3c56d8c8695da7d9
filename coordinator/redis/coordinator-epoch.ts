// Manages a coordinator's hold on its run: every write carries an epoch, and a coordinator with a lower epoch can change nothing.

import type { Redis } from 'ioredis';
import { type AgentId, agentId, type RunId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { KEY_LIFE_SECONDS, type RunKeys } from '../../shared/redis/keys.ts';
import { patiently } from '../../shared/redis/retry-while-unavailable.ts';

// The new epoch is above every earlier one, including those that an emptied Redis has forgotten: it is the time, in ms.
// KEYS spec, coordinator   ARGV spec, life in s   Returns the new epoch and whether the run existed
const BEGIN = `
local found = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local epoch = math.max(tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0') + 1, now)
redis.call('HSET', KEYS[2], 'epoch', string.format('%.0f', epoch))
redis.call('HDEL', KEYS[2], 'look', 'told', 'at')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return { epoch, found }`;

// KEYS spec, coordinator   ARGV spec, life in s, epoch, number of the last look   0 taken over, 1 done
const RESTORE = `
if tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0') > tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('HSET', KEYS[2], 'epoch', ARGV[3], 'look', ARGV[4])
redis.call('HDEL', KEYS[2], 'told')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1`;

// KEYS spec, coordinator, agents, holding   ARGV epoch, number of this look
// Returns -1 taken over, 0 missing, else 1, the number of the previous look, then pairs of an agent and what it holds
const LOOK = `
if tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0') > tonumber(ARGV[1]) then return { -1 } end
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0 } end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local before = redis.call('HGET', KEYS[2], 'look') or '0'
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'look', ARGV[2], 'at', now)
local found = { 1, before }
for _, agent in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], now, '+inf')) do
  found[#found + 1] = agent
  found[#found + 1] = redis.call('HGET', KEYS[4], agent) or ''
end
return found`;

// A repeated command, whose first reply was lost with the connection, is sent to the agents only once.
// KEYS coordinator, control   ARGV epoch, number of the command, command, life in s
// Returns -1 taken over, 0 sent before or run lost by Redis, 1 sent
const TELL = `
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return 0 end
if tonumber(epoch) > tonumber(ARGV[1]) then return -1 end
if tonumber(redis.call('HGET', KEYS[1], 'told') or '0') >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'told', ARGV[2])
redis.call('XADD', KEYS[2], '*', 'command', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1`;

// KEYS coordinator, keys to delete   ARGV epoch   -1 taken over, else how many were there
const END = `
if tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') > tonumber(ARGV[1]) then return -1 end
return redis.call('UNLINK', unpack(KEYS))`;

/** One look found the run missing, in an earlier state than the last look, or here with its living agents and what each holds. */
export type Found =
  | { readonly kind: 'missing' }
  | { readonly kind: 'earlier' }
  | { readonly kind: 'here'; readonly agents: ReadonlyMap<AgentId, readonly string[]> };

export interface Tenure {
  /** True if the run existed before. */
  readonly isFound: boolean;
  /** The number of this coordinator; each one has a higher number than those before it. */
  readonly epoch: number;
  /** True if the run exists. Throws `taken-over`. */
  holds(): Promise<boolean>;
  look(): Promise<Found>;
  /** Sends what `encode` makes of the number of the command. */
  tell(encode: (number: number) => string): Promise<void>;
  /** Creates the run's keys again after Redis has lost them. Throws `taken-over`. */
  restore(): Promise<void>;
  /** Deletes these keys of the run. Throws `taken-over`. */
  end(keys: readonly string[]): Promise<void>;
}

/** Begins a new epoch of the run, which deposes an earlier coordinator. `spec` is the encoded spec that agents read. */
export async function beginTenure(redis: Redis, runId: RunId, keys: RunKeys, spec: string): Promise<Tenure> {
  const begun: unknown = await redis.eval(BEGIN, 2, keys.spec, keys.coordinator, spec, KEY_LIFE_SECONDS);
  const [epoch = 0, found = 0] = Array.isArray(begun) ? begun.map(Number) : [];
  let looks = 0;
  let answered = 0;
  let commands = 0;
  const takenOver = (): ShardlineError => new ShardlineError('taken-over', { runId });

  return {
    isFound: found === 1,
    epoch,

    async holds() {
      const current = await patiently(() => redis.hget(keys.coordinator, 'epoch'));
      if (Number(current ?? 0) > epoch) throw takenOver();
      return current !== null;
    },

    async look() {
      looks += 1;
      const number = looks;
      const known = answered;
      const looked = [keys.spec, keys.coordinator, keys.agents, keys.holding];
      const answer: unknown = await patiently(() => redis.eval(LOOK, looked.length, ...looked, ...[epoch, number]));
      const [code, before, ...pairs] = Array.isArray(answer) ? answer.map(String) : [];
      if (code === '-1') throw takenOver();
      if (code === '0') return { kind: 'missing' };
      answered = Math.max(answered, number);
      if (Number(before) < known) return { kind: 'earlier' };
      const agents = new Map<AgentId, readonly string[]>();
      for (let at = 0; at + 1 < pairs.length; at += 2) {
        agents.set(
          agentId(pairs[at] ?? ''),
          (pairs[at + 1] ?? '').split(' ').filter((id) => id !== ''),
        );
      }
      return { kind: 'here', agents };
    },

    async tell(encode) {
      commands += 1;
      const number = commands;
      const command = encode(number);
      const told = await patiently(() => redis.eval(TELL, 2, keys.coordinator, keys.control, epoch, number, command, KEY_LIFE_SECONDS));
      if (told === -1) throw takenOver();
    },

    async restore() {
      const restored = await patiently(() => redis.eval(RESTORE, 2, keys.spec, keys.coordinator, spec, KEY_LIFE_SECONDS, epoch, answered));
      if (restored === 0) throw takenOver();
    },

    async end(own) {
      if ((await patiently(() => redis.eval(END, 1 + own.length, keys.coordinator, ...own, epoch))) === -1) throw takenOver();
    },
  };
}
