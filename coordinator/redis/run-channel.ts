// One open run in Redis: attempts go out as BullMQ jobs, events come in on a stream, commands go out on another.

import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ShardlineError } from '../../shared/errors.ts';
import { type AttemptId, agentId } from '../../shared/ids.ts';
import { jobKey, KEY_LIFE_SECONDS, poolKeys, QUEUE_NAME, queueKeys, type RunKeys, runKeys } from '../../shared/redis/keys.ts';
import { alive } from '../../shared/redis/presence.ts';
import { readStream } from '../../shared/redis/read-stream.ts';
import type { RunSpec } from '../../shared/run-spec.ts';
import { encodeAttempt } from '../../shared/wire/attempt.ts';
import { encodeCommand } from '../../shared/wire/control.ts';
import { decodeEvents } from '../../shared/wire/events.ts';
import type { RunChannel } from '../ports.ts';

/** How many jobs one command adds: more would hold up Redis and Node for longer than a beat. */
const CHUNK = 1000;
/** How many batches of events one read takes. */
const READ_BATCHES = 200;

export function openChannel(redis: Redis, spec: RunSpec): RunChannel {
  const { runId } = spec;
  const keys = runKeys(runId);
  const pool = poolKeys(spec.pool);
  const queue = new Queue<string, void, string>(QUEUE_NAME, {
    connection: redis,
    prefix: keys.queuePrefix,
    // A job stays known when it is over, so that one that is added again is not run again; closing the run deletes all.
    defaultJobOptions: { attempts: 1, removeOnComplete: false, removeOnFail: false },
    streams: { events: { maxLen: 100 } },
  });
  // A broken connection mends itself; silence is what the run loop watches.
  queue.on('error', () => undefined);
  const known = new Set<AttemptId>();

  return {
    runId,

    async enqueue(attempts) {
      for (let from = 0; from < attempts.length; from += CHUNK) {
        const chunk = attempts.slice(from, from + CHUNK);
        await queue.addBulk(chunk.map((attempt) => ({ name: attempt.role, data: encodeAttempt(attempt), opts: { jobId: attempt.id } })));
        for (const attempt of chunk) known.add(attempt.id);
        const pipeline = redis.pipeline();
        for (const attempt of chunk) pipeline.expire(jobKey(keys, attempt.id), KEY_LIFE_SECONDS);
        for (const key of queueKeys(keys)) pipeline.expire(key, KEY_LIFE_SECONDS);
        await pipeline.exec();
      }
    },

    async *events(signal) {
      const source = `event stream of run ${runId}`;
      for await (const entries of readStream(redis, keys.events, '0', READ_BATCHES, signal)) {
        if (entries.length > 0) yield entries.flatMap(({ fields }) => decodeEvents(fields.get('batch') ?? '', source));
      }
    },

    async tell(command) {
      await redis.multi().xadd(keys.control, '*', 'command', encodeCommand(command)).expire(keys.control, KEY_LIFE_SECONDS).exec();
    },

    async presence() {
      if ((await redis.exists(keys.spec)) === 0) {
        throw new ShardlineError('internal', { problem: `the keys of run ${runId} are gone from Redis` });
      }
      const jobs = await queue.getJobs(['active']);
      return {
        alive: await alive(redis, keys.agents),
        taken: jobs.flatMap(({ id, processedBy }) =>
          known.has(id as AttemptId) && processedBy !== undefined ? [{ attempt: id as AttemptId, agent: agentId(processedBy) }] : [],
        ),
      };
    },

    async close() {
      await redis.hdel(pool.runs, runId);
      await deleteKeys(redis, keys, [...known]);
      await queue.close();
    },
  };
}

/** The spec first: from then on agents write nothing more. */
async function deleteKeys(redis: Redis, keys: RunKeys, attempts: readonly AttemptId[]): Promise<void> {
  await redis.unlink(keys.spec, keys.events, keys.producers, keys.control, keys.agents, ...queueKeys(keys));
  for (let from = 0; from < attempts.length; from += CHUNK) {
    await redis.unlink(...attempts.slice(from, from + CHUNK).flatMap((id) => [jobKey(keys, id), `${jobKey(keys, id)}:lock`]));
  }
}
