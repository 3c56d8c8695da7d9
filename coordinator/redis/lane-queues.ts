// The BullMQ queues of one run: one for all agents, and one for each lane, opened when it is first used.

import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Lane } from '../../shared/domain/attempt.ts';
import { queuePlace, type RunKeys } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';

export type JobQueue = Queue<string, void, string>;

export interface LaneQueues {
  /** `lane` is null for the queue of all agents. */
  at(lane: Lane | null): Promise<JobQueue>;
  /** The lanes of the opened queues. */
  lanes(): readonly (Lane | null)[];
  close(): Promise<void>;
}

export function openLaneQueues(redis: Redis, keys: RunKeys): LaneQueues {
  const opened = new Map<string, { readonly lane: Lane | null; readonly queue: Promise<JobQueue> }>();
  return {
    at(lane) {
      const key = JSON.stringify(lane);
      const known = opened.get(key);
      if (known !== undefined) return known.queue;
      const queue = retryWhileUnavailable(() => openQueue(redis, keys, lane));
      opened.set(key, { lane, queue });
      // A later use tries again.
      queue.catch(() => opened.delete(key));
      return queue;
    },
    lanes: () => [...opened.values()].map(({ lane }) => lane),
    async close() {
      const queues = await Promise.allSettled([...opened.values()].map(({ queue }) => queue));
      await Promise.all(queues.flatMap((settled) => (settled.status === 'fulfilled' ? [settled.value.close()] : [])));
    },
  };
}

/** BullMQ never tries again if the first commands of a queue fail, so each try needs a new queue. */
async function openQueue(redis: Redis, keys: RunKeys, lane: Lane | null): Promise<JobQueue> {
  const { prefix, name } = queuePlace(keys, lane);
  const queue: JobQueue = new Queue<string, void, string>(name, {
    connection: redis,
    prefix,
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
