// One run as an agent serves it: pulls jobs with a BullMQ Worker, appends events exactly once, hears what the coordinator tells.

import { setTimeout as delay } from 'node:timers/promises';
import { type Job, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AttemptRequest } from '../../shared/attempt.ts';
import type { AgentId, RunId } from '../../shared/ids.ts';
import { jobKey, KEY_LIFE_SECONDS, QUEUE_NAME, queueKeys, runKeys } from '../../shared/redis/keys.ts';
import { beat, leavePresence } from '../../shared/redis/presence.ts';
import { readStream } from '../../shared/redis/read-stream.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { decodeAttempt } from '../../shared/wire/attempt.ts';
import { decodeCommand } from '../../shared/wire/control.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import type { JoinedRun } from '../ports.ts';
import { keepBeating, withinASecond } from './heart.ts';

export interface JoinRequest {
  readonly redis: Redis;
  readonly runId: RunId;
  readonly agent: AgentId;
  /** Told what goes wrong and mends itself, such as a broken connection. */
  readonly warn: (problem: unknown) => void;
}

// A batch that is sent again, because its reply was lost with the connection, is dropped. A closed run takes nothing: its keys stay deleted.
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

// A lock that outlives a short absence of Redis; a dead agent is noticed by its presence, long before.
const LOCK = { lockDuration: 30_000, lockRenewTime: 2_000 } as const;

/** How long a slot stands aside once it has handed back an attempt that its agent is to avoid: time for others to take it. */
const AVOID_MS = 200;
/** How often it is handed back in all; then whoever is there takes it, as there may be nobody else. */
const AVOID_TIMES = 20;

/** Joins at once: the agent counts as alive in this run until `leave`. */
export async function joinRun({ redis, runId, agent, warn }: JoinRequest): Promise<JoinedRun> {
  const keys = runKeys(runId);
  let batches = 0;
  const once = async (): Promise<void> => {
    // BullMQ's keys come and go as jobs move; whoever is alive keeps those that are there from staying for ever.
    if ((await redis.exists(keys.spec)) === 1) await beat(redis, keys.agents, agent, queueKeys(keys));
  };
  await once();
  const heart = keepBeating(once, warn);

  return {
    async append(events) {
      batches += 1;
      await redis.eval(APPEND, 3, keys.spec, keys.events, keys.producers, agent, batches, encodeEvents(events), KEY_LIFE_SECONDS);
    },

    async pull(slots, serve, signal) {
      if (signal.aborted) return;
      // BullMQ hands a job out again when its lock was lost while we still ran it: whoever runs it already is joined.
      const serving = new Map<string, Promise<void>>();
      const begin = (id: string, request: AttemptRequest): Promise<void> => {
        const begun = serve(request).finally(() => serving.delete(id));
        serving.set(id, begun);
        return begun;
      };
      const failed = Promise.withResolvers<never>();
      const worker = new Worker<string>(
        QUEUE_NAME,
        // Three parameters, or BullMQ makes no signal and ends jobs another way.
        async (job: Job<string>, token: string | undefined, _signal: AbortSignal | undefined) => {
          const id = job.id ?? '';
          if (signal.aborted && !serving.has(id)) {
            await job.moveToWait(token);
            throw new WaitingError();
          }
          try {
            const request = decodeAttempt(job.data, `shard queue of run ${runId}`);
            if (!serving.has(id) && isAvoidedBy(agent, request, job)) {
              // Not moveToDelayed: when such a job is due again is told by clocks that may differ.
              await job.moveToWait(token);
              await delay(AVOID_MS, undefined, { signal }).catch(() => undefined);
              throw new WaitingError();
            }
            await (serving.get(id) ?? begin(id, request));
          } catch (thrown) {
            if (thrown instanceof WaitingError) throw thrown;
            // Serving never fails for what a suite does: this is a defect or a message that cannot be read, and the agent must not go on.
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
          skipStalledCheck: true,
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
      for await (const entries of readStream(redis, keys.control, '0', 100, signal)) {
        for (const { fields } of entries) yield decodeCommand(fields.get('command') ?? '', source);
        if (entries.length === 0 && (await redis.exists(keys.spec)) === 0) {
          yield { kind: 'close-run', by: 'cancelled' };
          return;
        }
      }
    },

    serverNow: () => serverNow(redis),

    async leave() {
      await heart.stop();
      await withinASecond(leavePresence(redis, keys.agents, agent));
    },
  };
}

/** BullMQ counts how often a job was fetched. */
const isAvoidedBy = (agent: AgentId, request: AttemptRequest, job: Job): boolean =>
  request.avoid.includes(agent) && job.attemptsStarted <= AVOID_TIMES;
