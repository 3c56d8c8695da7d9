// One run, as an agent serves it: appends events exactly once, stores coverage, claims numbers, and reads the coordinator's commands.

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Redis, ReplyError } from 'ioredis';
import type { Lane } from '../../shared/domain/attempt.ts';
import type { ControlCommand } from '../../shared/domain/control.ts';
import { COVERAGE_LIMITS, type CoveragePart } from '../../shared/domain/coverage.ts';
import type { AgentId, RunId } from '../../shared/domain/ids.ts';
import { type LeasedUnits, leasedUnits } from '../../shared/domain/leased-units.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { coverageField, jobKey, KEY_LIFE_SECONDS, poolKeys, type RunKeys, runKeys } from '../../shared/redis/keys.ts';
import { readStream } from '../../shared/redis/read-stream.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { runScript, script } from '../../shared/redis/script.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { decodeClaimed } from '../../shared/wire/claimed-number.ts';
import { decodeCommand } from '../../shared/wire/control.ts';
import type { Reader, RunAddress } from '../../shared/wire/envelope.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import { decodeUnits } from '../../shared/wire/fleet/leased-units.ts';
import type { Signer, Verifier } from '../../shared/wire/signature.ts';
import { oneKeyPerEpoch } from '../../shared/wire/trust/epoch-keys.ts';
import type { JoinedRun } from '../ports.ts';
import { startHeartbeat, withinASecond } from './heartbeat.ts';
import { pullAttempts } from './pull-attempts.ts';
import { followRun, type RunLife } from './run-life.ts';

export interface JoinRequest {
  readonly redis: Redis;
  readonly pool: string;
  readonly runId: RunId;
  readonly agent: AgentId;
  /** See `RunSpec`. */
  readonly unitsIn?: string | undefined;
  /** Sorted; none by default. */
  readonly labels?: readonly string[] | undefined;
  /** Signs what this agent reports; null to sign nothing. */
  readonly signer: Signer | null;
  readonly verifier: Verifier;
  /** Receives problems that resolve themselves, such as a broken connection. */
  readonly warn: (problem: unknown) => void;
}

// Drops a batch that is sent again because the connection lost its reply. A later batch than this one is not this agent's: somebody has
// raised the counter, and nothing of this agent would arrive. A closed run stores nothing: its keys stay deleted.
// An account of agents may only read the spec, so no script declares it as a key: KEYS need the right to write.
// KEYS events, producers   ARGV agent, number of the batch, batch, life in s, spec   1 stored, 0 stored before, -1 the run is closed, -2 a later batch is there
const APPEND = script(`
if redis.call('EXISTS', ARGV[5]) == 0 then return -1 end
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if tonumber(ARGV[2]) < last then return -2 end
if tonumber(ARGV[2]) == last then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[1], '*', 'agent', ARGV[1], 'batch', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1`);

// A closed run stores nothing. KEYS coverage   ARGV field, piece, life in s, spec   1 stored, -1 the run is closed
const STORE_COVERAGE = `
if redis.call('EXISTS', ARGV[4]) == 0 then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1`;

// `least number` keeps a server that lost its counters from repeating a number that the caller has seen.
// KEYS numbers   ARGV counter, how many, least number, life in s, spec   the first number, -1 the run is closed
const CLAIM_NUMBERS = `
if redis.call('EXISTS', ARGV[5]) == 0 then return -1 end
local first = math.max(tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') or 0, tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], ARGV[1], first + tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return first`;

// KEYS agents   ARGV units, run   the time in ms, and what the run has claimed ('' for nothing)
const READ_UNITS = script(`
local t = redis.call('TIME')
return { string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), redis.call('HGET', ARGV[1], ARGV[2]) or '' }`);

/** Delay before a write is retried after the run was not there, in milliseconds. */
const AGAIN_MS = 250;

/** A joined run as its reads and writes see it. */
interface Membership extends JoinRequest {
  readonly keys: RunKeys;
  readonly reader: Reader;
  readonly life: RunLife;
  /** Reports that the agent is alive, and updates `life`. */
  readonly beat: () => Promise<void>;
}

/** Joins at once: the agent counts as alive in this run until `leave`. */
export async function joinRun(request: JoinRequest): Promise<JoinedRun> {
  const { redis, pool, runId, agent, labels = [], signer, verifier, warn } = request;
  const keys = runKeys(runId);
  const address: RunAddress = { pool, run: runId };
  const reader: Reader = { ...address, verifier: oneKeyPerEpoch(verifier) };
  /** The attempts that the agent serves, by their jobs. */
  const serving = new Map<string, Promise<void>>();
  const served = new Set<string>();
  const lanes: readonly (Lane | null)[] = labels.length === 0 ? [null] : [labels, null];
  const life = followRun(redis, keys, undefined, lanes);
  let beatenAt = performance.now();
  const beat = async (): Promise<void> => {
    const sentAt = performance.now();
    await life.beat(agent, [...serving.keys()]);
    beatenAt = sentAt;
  };
  const membership: Membership = { ...request, keys, reader, life, beat };
  let batches = 0;
  let hasWarned = false;
  const warnOnce = (thrown: unknown): never => {
    if (!hasWarned && thrown instanceof ShardlineError) {
      hasWarned = true;
      warn(thrown);
    }
    throw thrown;
  };
  await retryWhileUnavailable(beat, warn);
  const heart = startHeartbeat(beat, warn);

  return {
    async append(events) {
      batches += 1;
      const batch = batches;
      const text = encodeEvents(events, { ...address, sender: agent, seq: batch, epoch: 0 }, signer);
      await persist(membership, async () => {
        const stored = await runScript(redis, APPEND, [keys.events, keys.producers], [agent, batch, text, KEY_LIFE_SECONDS, keys.spec]);
        if (stored === -2) throw new ShardlineError('name-taken', { agent, runId });
        return stored;
      });
    },
    storeCoverage: (part, data) => storeCoverage(membership, part, data),
    pull: (slots, serve, signal, shared = null) =>
      pullAttempts({ redis, reader, keys, lanes, agent, serving, served, shared, warn }, slots, serve, signal),
    commands: (signal) => readCommands(membership, signal),
    async isMoreWaiting() {
      const counts = await Promise.all(
        lanes.flatMap((lane) => [redis.llen(jobKey(keys, 'wait', lane)), redis.zcard(jobKey(keys, 'prioritized', lane))]),
      );
      return counts.some((count) => count > 0);
    },
    claimNumbers: (counter, count, floor) => claimNumbers(membership, counter, count, floor),
    serverNow: () => serverNow(redis, pool),
    leasedUnits: () => readUnits(request).catch(warnOnce),
    silenceMs: () => performance.now() - beatenAt,
    async leave() {
      await heart.stop();
      await withinASecond(redis.multi().zrem(keys.agents, agent).hdel(keys.holding, agent).exec());
    },
  };
}

/** Throws `units-unreadable` where Redis has answered: asking again would not help. */
async function readUnits({ redis, unitsIn, runId }: JoinRequest): Promise<LeasedUnits | null> {
  if (unitsIn === undefined) return null;
  // The key is no KEYS, because an agent's account may only read it. Redis routes the script by the pool's own key.
  const { units, agents } = poolKeys(unitsIn);
  try {
    const answer = await retryWhileUnavailable(() => runScript(redis, READ_UNITS, [agents], [units, runId]));
    const [now, text] = Array.isArray(answer) ? answer.map(String) : [];
    return leasedUnits(text === undefined || text === '' ? null : decodeUnits(text, `the units of run ${runId}`), Number(now));
  } catch (thrown) {
    if (!(thrown instanceof ReplyError || thrown instanceof ShardlineError)) throw thrown;
    throw new ShardlineError('units-unreadable', { key: units, runId, problem: reasonOf(thrown) }, { cause: thrown });
  }
}

/** Repeats `store` until the run has taken it. Returns false when the run is over. */
async function persist({ warn, beat, life }: Membership, store: () => Promise<unknown>): Promise<boolean> {
  while ((await retryWhileUnavailable(store, warn)) === -1) {
    await retryWhileUnavailable(beat, warn);
    if (life.isOver()) return false;
    await delay(AGAIN_MS);
  }
  return true;
}

async function storeCoverage(membership: Membership, part: number, data: Uint8Array): Promise<CoveragePart> {
  const { redis, agent, keys } = membership;
  const { chunkBytes } = COVERAGE_LIMITS;
  const chunks = Math.ceil(data.length / chunkBytes);
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    const piece = Buffer.from(data.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes));
    const field = coverageField(agent, part, chunk);
    const store = () => redis.eval(STORE_COVERAGE, 1, keys.coverage, field, piece, KEY_LIFE_SECONDS, keys.spec);
    if (!(await persist(membership, store))) break;
  }
  return { part, chunks, digest: createHash('sha256').update(data).digest('hex') };
}

async function* readCommands({ redis, runId, keys, reader, life, warn }: Membership, signal: AbortSignal): AsyncGenerator<ControlCommand> {
  const source = `commands of run ${runId}`;
  // A run that was announced again has a new stream, so the reader starts over. Executing a command twice has no further effect.
  for (let returns = 0; !signal.aborted; returns = life.returns()) {
    for await (const entries of readStream(redis, keys.control, '0', 100, signal)) {
      for (const { fields } of entries) {
        const command = readableCommand(fields.get('command') ?? '', reader, source, warn);
        if (command !== null) yield command;
      }
      if (entries.length === 0 && life.isOver()) {
        yield { kind: 'close-run', by: 'cancelled' };
        return;
      }
      if (returns !== life.returns()) break;
    }
  }
}

/** The coordinator of this run writes what this version reads, and signs it as it signed the run, so that another command is not its own. */
function readableCommand(text: string, reader: Reader, source: string, warn: Membership['warn']): ControlCommand | null {
  try {
    return decodeCommand(text, reader, source);
  } catch (thrown) {
    if (!(thrown instanceof ShardlineError)) throw thrown;
    warn(thrown);
    return null;
  }
}

async function claimNumbers(membership: Membership, counter: string, count: number, floor: number): Promise<number> {
  const { redis, keys, runId } = membership;
  let first = floor;
  const claim = async (): Promise<number> => {
    const answer = await redis.eval(CLAIM_NUMBERS, 1, keys.numbers, counter, count, floor, KEY_LIFE_SECONDS, keys.spec);
    first = decodeClaimed(answer, `the numbers of run ${runId}`);
    return first;
  };
  // A run that is over starts nothing more, so any number is valid.
  return (await persist(membership, claim)) ? first : floor;
}
