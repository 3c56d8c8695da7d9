// One run, as an agent serves it: pulls jobs with a BullMQ Worker, appends events exactly once, and reads the coordinator's commands.

import { setTimeout as delay } from 'node:timers/promises';
import { type Job, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import { COVERAGE_LIMITS } from '../../shared/domain/coverage.ts';
import type { AgentId, RunId } from '../../shared/domain/ids.ts';
import { coverageField, jobKey, KEY_LIFE_SECONDS, QUEUE_NAME, runKeys } from '../../shared/redis/keys.ts';
import { readStream } from '../../shared/redis/read-stream.ts';
import { patiently } from '../../shared/redis/retry-while-unavailable.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { decodeAttempt } from '../../shared/wire/attempt.ts';
import { decodeCommand } from '../../shared/wire/control.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import type { JoinedRun } from '../ports.ts';
import { keepBeating, withinASecond } from './heartbeat.ts';
import { followRun } from './run-life.ts';

export interface JoinRequest {
  readonly redis: Redis;
  readonly runId: RunId;
  readonly agent: AgentId;
  /** Receives problems that resolve themselves, such as a broken connection. */
  readonly warn: (problem: unknown) => void;
}

// Drops a batch that is sent again because the connection lost its reply. A closed run stores nothing: its keys stay deleted.
// KEYS spec, events, producers   ARGV agent, number of the batch, batch, life in s   1 stored, 0 stored before, -1 the run is closed
const APPEND = `
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local last = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0')
if tonumber(ARGV[2]) <= last then return 0 end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', 'agent', ARGV[1], 'batch', ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[3], ARGV[4])
return 1`;

// A closed run stores nothing. KEYS spec, coverage   ARGV field, piece, life in s   1 stored, -1 the run is closed
const STORE_COVERAGE = `
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1`;

// `least number` keeps a server that lost its counters from repeating a number that the caller has seen.
// KEYS spec, numbers   ARGV counter, how many, least number, life in s   the first number, -1 the run is closed
const CLAIM_NUMBERS = `
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local first = math.max(tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0'), tonumber(ARGV[3]))
redis.call('HSET', KEYS[2], ARGV[1], first + tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[2], ARGV[4])
return first`;

// The lock outlives a short absence of Redis. The agent's connection and presence reveal its death long before the lock expires.
const LOCK = { lockDuration: 30_000, lockRenewTime: 2_000 } as const;

/** How long a slot pauses after it has handed back an attempt that its agent should avoid, so that other agents can take it. */
const AVOID_MS = 200;
/**
 * How often an attempt is handed back in total. After that any agent takes it, because there may be no other. A recheck is useful only on
 * another agent, so it is handed back more often.
 */
const AVOID_TIMES = 20;
const AVOID_RECHECK_TIMES = 150;

/** How long the worker blocks for a job, in seconds: shorter than the time after which a silent connection is dropped. */
const DRAIN_SECONDS = 1;

/** Delay before a write is retried after the run was not there, in milliseconds. */
const AGAIN_MS = 250;

/** Joins at once: the agent counts as alive in this run until `leave`. */
export async function joinRun({ redis, runId, agent, warn }: JoinRequest): Promise<JoinedRun> {
  const keys = runKeys(runId);
  const serving = new Map<string, Promise<void>>();
  const life = followRun(redis, keys);
  let batches = 0;
  const once = (): Promise<void> => life.beat(agent, [...serving.keys()]);
  await patiently(once, warn);
  const heart = keepBeating(once, warn);

  /** Repeats `store` until the run has taken it. Returns false when the run is over. */
  const persist = async (store: () => Promise<unknown>): Promise<boolean> => {
    while ((await patiently(store, warn)) === -1) {
      await patiently(once, warn);
      if (life.isOver()) return false;
      await delay(AGAIN_MS);
    }
    return true;
  };

  return {
    async append(events) {
      batches += 1;
      const [batch, text] = [batches, encodeEvents(events)];
      await persist(() => redis.eval(APPEND, 3, keys.spec, keys.events, keys.producers, agent, batch, text, KEY_LIFE_SECONDS));
    },

    async storeCoverage(part, data) {
      const { chunkBytes } = COVERAGE_LIMITS;
      const chunks = Math.ceil(data.length / chunkBytes);
      for (let chunk = 0; chunk < chunks; chunk += 1) {
        const piece = Buffer.from(data.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes));
        const field = coverageField(agent, part, chunk);
        if (!(await persist(() => redis.eval(STORE_COVERAGE, 2, keys.spec, keys.coverage, field, piece, KEY_LIFE_SECONDS)))) break;
      }
      return { part, chunks };
    },

    async pull(slots, serve, signal) {
      if (signal.aborted) return;
      // BullMQ hands out a job again if its lock was lost while the agent still runs it. The second call then awaits the running attempt.
      const begin = (id: string, request: AttemptRequest): Promise<void> => {
        const begun = serve(request).finally(() => serving.delete(id));
        serving.set(id, begun);
        return begun;
      };
      // If the hand-back fails, or only its reply was lost, the coordinator notices that no agent has the attempt.
      const handBack = (job: Job<string>, token: string | undefined): Promise<unknown> => job.moveToWait(token).catch(warn);
      const failed = Promise.withResolvers<never>();
      const worker = new Worker<string>(
        QUEUE_NAME,
        // The handler needs three parameters: with fewer, BullMQ creates no signal and ends jobs in another way.
        async (job: Job<string>, token: string | undefined, _signal: AbortSignal | undefined) => {
          const id = job.id ?? '';
          if (signal.aborted && !serving.has(id)) {
            await handBack(job, token);
            throw new WaitingError();
          }
          try {
            const request = decodeAttempt(job.data, `shard queue of run ${runId}`);
            if (!serving.has(id) && isAvoidedBy(agent, request, job)) {
              // Not moveToDelayed: clocks that may differ decide when such a job is due again.
              await handBack(job, token);
              await delay(AVOID_MS, undefined, { signal }).catch(() => undefined);
              throw new WaitingError();
            }
            await (serving.get(id) ?? begin(id, request));
          } catch (thrown) {
            if (thrown instanceof WaitingError) throw thrown;
            // Serving never fails because of the suite. This error is a defect or an unreadable message, and the agent must stop.
            failed.reject(thrown);
            throw thrown;
          }
          worker.concurrency = Math.max(1, slots());
        },
        {
          connection: redis,
          prefix: keys.queuePrefix,
          name: agent,
          concurrency: Math.max(1, slots()),
          // One job is one attempt: a dead agent's jobs remain in place, and the coordinator enqueues new attempts.
          skipStalledCheck: true,
          drainDelay: DRAIN_SECONDS,
          ...LOCK,
        },
      );
      worker.on('error', warn);
      worker.on('ready', () => void redis.expire(jobKey(keys, 'meta'), KEY_LIFE_SECONDS).catch(warn));
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      try {
        await Promise.race([stopped, failed.promise]);
      } finally {
        await worker.close();
      }
    },

    async *commands(signal) {
      const source = `commands of run ${runId}`;
      // A run that was announced again has a new stream, so the reader starts over. Executing a command twice has no further effect.
      for (let returns = 0; !signal.aborted; returns = life.returns()) {
        for await (const entries of readStream(redis, keys.control, '0', 100, signal)) {
          for (const { fields } of entries) yield decodeCommand(fields.get('command') ?? '', source);
          if (entries.length === 0 && life.isOver()) {
            yield { kind: 'close-run', by: 'cancelled' };
            return;
          }
          if (returns !== life.returns()) break;
        }
      }
    },

    async isMoreWaiting() {
      const [waiting, urgent] = await Promise.all([redis.llen(jobKey(keys, 'wait')), redis.zcard(jobKey(keys, 'prioritized'))]);
      return waiting + urgent > 0;
    },

    async claimNumbers(counter, count, floor) {
      let first = floor;
      const claim = async (): Promise<number> => {
        first = Number(await redis.eval(CLAIM_NUMBERS, 2, keys.spec, keys.numbers, counter, count, floor, KEY_LIFE_SECONDS));
        return first;
      };
      // A run that is over starts nothing more, so any number is valid.
      return (await persist(claim)) ? first : floor;
    },

    serverNow: () => serverNow(redis),

    async leave() {
      await heart.stop();
      await withinASecond(redis.multi().zrem(keys.agents, agent).hdel(keys.holding, agent).exec());
    },
  };
}

/** BullMQ counts how often a job was fetched. */
const isAvoidedBy = (agent: AgentId, request: AttemptRequest, job: Job): boolean =>
  request.avoid.includes(agent) && job.attemptsStarted <= (request.role === 'recheck' ? AVOID_RECHECK_TIMES : AVOID_TIMES);
