// The queue of a run's attempts: adds them as BullMQ jobs and lists those that wait and those that agents have fetched.

import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AttemptRequest, Lane } from '../../shared/domain/attempt.ts';
import type { AgentId, AttemptId } from '../../shared/domain/ids.ts';
import { NO_NEEDS } from '../../shared/domain/needs.ts';
import { jobKey, KEY_LIFE_SECONDS, queueKeys, type RunKeys, runKeys } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { encodeAttempt } from '../../shared/wire/attempt.ts';
import type { RunAddress } from '../../shared/wire/envelope.ts';
import { agentIdSchema, readId } from '../../shared/wire/parse.ts';
import type { Signer } from '../../shared/wire/signature.ts';
import type { EnqueuedAttempt } from '../ports.ts';
import type { CoordinatorEpoch } from './coordinator-epoch.ts';
import { type JobQueue, openLaneQueues } from './lane-queues.ts';

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
  /** The keys of all queues, without those of single jobs. */
  keys(): readonly string[];
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
  earlier: readonly EnqueuedAttempt[],
  signer: Signer | null,
): Promise<AttemptQueue> {
  const keys = runKeys(address.run);
  const toJob = (attempt: AttemptRequest) => ({
    name: attempt.role,
    data: encodeAttempt(attempt, address, epoch.number, signer),
    opts: { jobId: attempt.id, lifo: isUrgent(attempt) },
  });
  const queues = openLaneQueues(redis, keys);
  const known = new Map<AttemptId, Lane | null>(earlier.map(({ id, lane }) => [id, lane]));
  for (const lane of [null, ...known.values()]) await queues.at(lane);
  const enqueuing = new Set<Promise<void>>();
  let isStopping = false;

  const enqueueIn = async (lane: Lane | null, attempts: readonly AttemptRequest[]): Promise<void> => {
    const queue = await queues.at(lane);
    for (let from = 0; from < attempts.length; from += CHUNK) {
      const chunk = attempts.slice(from, from + CHUNK);
      // Redis lost the run or it is closing. The next look detects the loss, and the attempts are enqueued again.
      if (!(await epoch.holds()) || isStopping) return;
      await retryWhileUnavailable(() => queue.addBulk(inQueueOrder(chunk).map(toJob)));
      for (const attempt of chunk) known.set(attempt.id, lane);
      const pipeline = redis.pipeline();
      for (const attempt of chunk) pipeline.expire(jobKey(keys, attempt.id, lane), KEY_LIFE_SECONDS);
      for (const key of queueKeys(keys, lane)) pipeline.expire(key, KEY_LIFE_SECONDS);
      await pipeline.exec();
    }
  };
  const enqueue = async (attempts: readonly AttemptRequest[]): Promise<void> => {
    for (const own of Map.groupBy(attempts, ({ lane }) => JSON.stringify(lane ?? null)).values())
      await enqueueIn(own[0]?.lane ?? null, own);
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
      const waiting = new Set<AttemptId>();
      for (const lane of queues.lanes()) for (const id of await waitingIn(redis, keys, lane)) waiting.add(id);
      return waiting;
    },
    async taken() {
      const taken = await Promise.all(queues.lanes().map(async (lane) => takenFrom(await queues.at(lane), isKnown)));
      return taken.flat();
    },
    async stop() {
      isStopping = true;
      // Jobs enqueued after the deletion would remain in Redis.
      await Promise.allSettled(enqueuing);
    },
    keys: () => queues.lanes().flatMap((lane) => queueKeys(keys, lane)),
    async deleteJobs() {
      const jobs = [...known];
      for (let from = 0; from < jobs.length; from += CHUNK) {
        const own = jobs.slice(from, from + CHUNK).flatMap(([id, lane]) => [jobKey(keys, id, lane), `${jobKey(keys, id, lane)}:lock`]);
        await retryWhileUnavailable(() => redis.unlink(...own));
      }
    },
    close: queues.close,
  };
}

async function waitingIn(redis: Redis, keys: RunKeys, lane: Lane | null): Promise<readonly AttemptId[]> {
  return [
    ...(await retryWhileUnavailable(() => redis.lrange(jobKey(keys, 'wait', lane), 0, -1))),
    ...(await retryWhileUnavailable(() => redis.zrange(jobKey(keys, 'prioritized', lane), 0, '-1'))),
  ] as AttemptId[];
}

async function takenFrom(queue: JobQueue, isKnown: AttemptQueue['isKnown']): Promise<readonly TakenAttempt[]> {
  // An entry is undefined if Redis lost the job in between.
  const jobs: readonly (Job<string> | undefined)[] = await retryWhileUnavailable(() => queue.getJobs(['active']));
  return jobs.flatMap((job) => {
    const id = job?.id ?? '';
    return isKnown(id) ? readId(agentIdSchema, job?.processedBy).map((agent) => ({ attempt: id, agent })) : [];
  });
}

/**
 * Retries go before all queued attempts: their shards should have started long ago, and a late start means a late end. Attempts with resources
 * do because nobody else can use these meanwhile. Reruns do because
 * their results may stop the run, rechecks because theirs may dismiss an agent. These jobs are last in, first out.
 */
const isUrgent = ({ role, needs = NO_NEEDS }: AttemptRequest): boolean =>
  role === 'retry' || role === 'rerun' || role === 'recheck' || needs.resources.length > 0;

const inQueueOrder = (attempts: readonly AttemptRequest[]): readonly AttemptRequest[] => [
  ...attempts.filter((attempt) => !isUrgent(attempt)),
  ...attempts.filter(isUrgent).toReversed(),
];
