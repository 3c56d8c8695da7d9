// The queue of a run's attempts: adds them as BullMQ jobs and lists those that wait and those that agents have fetched.

import { type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import type { AgentId, AttemptId } from '../../shared/domain/ids.ts';
import { jobKey, KEY_LIFE_SECONDS, QUEUE_NAME, queueKeys, type RunKeys, runKeys } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { encodeAttempt } from '../../shared/wire/attempt.ts';
import type { RunAddress } from '../../shared/wire/envelope.ts';
import { agentIdSchema, readId } from '../../shared/wire/parse.ts';
import type { Signer } from '../../shared/wire/signature.ts';
import type { CoordinatorEpoch } from './coordinator-epoch.ts';

/** Jobs added or deleted per command; more would block Redis and Node for longer than a beat. */
const CHUNK = 1000;

export interface TakenAttempt {
  readonly attempt: AttemptId;
  readonly agent: AgentId;
}

export interface AttemptQueue {
  /** Adds attempts in the given order. Adds none once the run is lost or the queue stops. Throws `taken-over`. */
  enqueue(attempts: readonly AttemptRequest[]): Promise<void>;
  /** Whether this attempt was enqueued here, or by an earlier coordinator of the run. */
  isKnown(id: string): id is AttemptId;
  /** Attempts that no agent has fetched yet. */
  waiting(): Promise<ReadonlySet<AttemptId>>;
  /** Attempts that were fetched and have not ended, with the agent that fetched them. */
  taken(): Promise<readonly TakenAttempt[]>;
  /** Resolves when no more jobs are added. */
  stop(): Promise<void>;
  /** Deletes the jobs of a run whose other keys are deleted. */
  deleteJobs(): Promise<void>;
  /** Releases the connections. */
  close(): Promise<void>;
}

/** `earlier` are the attempts that an earlier coordinator enqueued. */
export async function openAttemptQueue(
  redis: Redis,
  address: RunAddress,
  epoch: Pick<CoordinatorEpoch, 'holds' | 'number'>,
  earlier: readonly AttemptId[],
  signer: Signer | null,
): Promise<AttemptQueue> {
  const keys = runKeys(address.run);
  const toJob = (attempt: AttemptRequest) => ({
    name: attempt.role,
    data: encodeAttempt(attempt, address, epoch.number, signer),
    opts: { jobId: attempt.id, lifo: isUrgent(attempt) },
  });
  const queue = await retryWhileUnavailable(() => openQueue(redis, keys));
  const known = new Set<AttemptId>(earlier);
  const enqueuing = new Set<Promise<void>>();
  let isStopping = false;

  const enqueue = async (attempts: readonly AttemptRequest[]): Promise<void> => {
    for (let from = 0; from < attempts.length; from += CHUNK) {
      const chunk = attempts.slice(from, from + CHUNK);
      // Redis lost the run or it is closing. The next look detects the loss, and the attempts are enqueued again.
      if (!(await epoch.holds()) || isStopping) return;
      await retryWhileUnavailable(() => queue.addBulk(inQueueOrder(chunk).map(toJob)));
      for (const attempt of chunk) known.add(attempt.id);
      const pipeline = redis.pipeline();
      for (const attempt of chunk) pipeline.expire(jobKey(keys, attempt.id), KEY_LIFE_SECONDS);
      for (const key of queueKeys(keys)) pipeline.expire(key, KEY_LIFE_SECONDS);
      await pipeline.exec();
    }
  };

  const isKnown = (id: string): id is AttemptId => known.has(id as AttemptId);

  return {
    async enqueue(attempts) {
      const work = enqueue(attempts).finally(() => enqueuing.delete(work));
      enqueuing.add(work);
      await work;
    },
    isKnown,
    async waiting() {
      const waiting = [
        ...(await retryWhileUnavailable(() => redis.lrange(jobKey(keys, 'wait'), 0, -1))),
        ...(await retryWhileUnavailable(() => redis.zrange(jobKey(keys, 'prioritized'), 0, '-1'))),
      ];
      return new Set(waiting as AttemptId[]);
    },
    async taken() {
      // An entry is undefined if Redis lost the job in between.
      const jobs: readonly (Job<string> | undefined)[] = await retryWhileUnavailable(() => queue.getJobs(['active']));
      return jobs.flatMap((job) => {
        const id = job?.id ?? '';
        return isKnown(id) ? readId(agentIdSchema, job?.processedBy).map((agent) => ({ attempt: id, agent })) : [];
      });
    },
    async stop() {
      isStopping = true;
      // Jobs enqueued after the deletion would remain in Redis.
      await Promise.allSettled(enqueuing);
    },
    async deleteJobs() {
      const ids = [...known];
      for (let from = 0; from < ids.length; from += CHUNK) {
        const own = ids.slice(from, from + CHUNK).flatMap((id) => [jobKey(keys, id), `${jobKey(keys, id)}:lock`]);
        await retryWhileUnavailable(() => redis.unlink(...own));
      }
    },
    close: () => queue.close(),
  };
}

/** BullMQ never tries again if the first commands of a queue fail, so each try needs a new queue. */
async function openQueue(redis: Redis, keys: RunKeys): Promise<Queue<string, void, string>> {
  const queue = new Queue<string, void, string>(QUEUE_NAME, {
    connection: redis,
    prefix: keys.queuePrefix,
    // Keep finished jobs, so that a job added again does not run again; closing the run deletes all of them.
    defaultJobOptions: { attempts: 1, removeOnComplete: false, removeOnFail: false },
    streams: { events: { maxLen: 100 } },
  });
  // The client reconnects by itself; the run loop detects a lasting silence.
  queue.on('error', () => undefined);
  try {
    await queue.waitUntilReady();
  } catch (thrown) {
    await queue.close();
    throw thrown;
  }
  return queue;
}

/**
 * Retries go before all queued attempts: their shards should have started long ago, and a late start means a late end. Reruns do because
 * their results may stop the run, rechecks because theirs may dismiss an agent. These jobs are last in, first out.
 */
const isUrgent = ({ role }: AttemptRequest): boolean => role === 'retry' || role === 'rerun' || role === 'recheck';

const inQueueOrder = (attempts: readonly AttemptRequest[]): readonly AttemptRequest[] => [
  ...attempts.filter((attempt) => !isUrgent(attempt)),
  ...attempts.filter(isUrgent).toReversed(),
];
