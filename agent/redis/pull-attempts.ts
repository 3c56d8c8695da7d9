// Pulls the attempts of a run as jobs of a BullMQ Worker. It completes a job when its attempt is served, and hands back what this agent
// should not serve.

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Job, WaitingError, type WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { assertNever } from '../../shared/assert-never.ts';
import { type AttemptRequest, type Lane, runsAlone } from '../../shared/domain/attempt.ts';
import type { AgentId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { jobKey, KEY_LIFE_SECONDS, queuePlace, type RunKeys } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { decodeAttempt } from '../../shared/wire/attempt.ts';
import type { Reader } from '../../shared/wire/envelope.ts';
import type { SharedSlots } from '../ports.ts';
import { AttemptWorker } from './attempt-worker.ts';

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

/** Whose attempts are pulled, and for which agent. */
export interface Puller {
  readonly redis: Redis;
  readonly reader: Reader;
  readonly keys: RunKeys;
  /** The queues to pull from; null for that of all agents, which is the default. */
  readonly lanes?: readonly (Lane | null)[] | undefined;
  readonly agent: AgentId;
  /** The attempts that the agent serves, by their jobs. Its heartbeat reports them. */
  readonly serving: Map<string, Promise<void>>;
  /** The jobs of attempts that the agent has served. Each attempt runs once, also if somebody enqueues its job again. */
  readonly served: Set<string>;
  /** The slots of the machine; null if the agent serves one run at a time. */
  readonly shared?: SharedSlots | null;
  /** Receives problems that resolve themselves, such as a broken connection. */
  readonly warn: (problem: unknown) => void;
}

/** What happens to a job that the worker has fetched. */
type Fate =
  /** Another agent should take it, because this one is leaving. */
  | { readonly kind: 'hand-back' }
  /** Other agents should take it for a while, because this one is to avoid it. */
  | { readonly kind: 'avoid' }
  /** BullMQ hands out a job again if its lock was lost while the agent still runs it. */
  | { readonly kind: 'await'; readonly running: Promise<void> }
  | { readonly kind: 'serve'; readonly request: AttemptRequest }
  /** It is not a job of the run's coordinator. The coordinator enqueues a lost attempt again. */
  | { readonly kind: 'drop'; readonly problem: unknown };

/** See `JoinedRun.pull`. Pulls from each lane as if there were no other: the attempts wait at the agent for a free xdist worker. */
export async function pullAttempts(
  puller: Puller,
  slots: () => number,
  serve: (attempt: AttemptRequest) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failing = new AbortController();
  const either = AbortSignal.any([signal, failing.signal]);
  const { lanes = [null] } = puller;
  const pulls = lanes.map(async (lane) => {
    try {
      await pullLane(puller, lane, slots, serve, either);
    } catch (thrown) {
      failing.abort();
      throw thrown;
    }
  });
  await Promise.allSettled(pulls);
  await Promise.all(pulls);
}

async function pullLane(
  puller: Puller,
  lane: Lane | null,
  slots: () => number,
  serve: (attempt: AttemptRequest) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const { redis, keys, shared = null, warn } = puller;
  const failed = Promise.withResolvers<never>();
  const closing = new AbortController();
  const ending = AbortSignal.any([signal, closing.signal]);
  const concurrency = (): number => Math.max(1, slots());
  const newWorker = (): AttemptWorker => {
    const worker: AttemptWorker = new AttemptWorker(
      queuePlace(keys, lane).name,
      // The handler needs three parameters: with fewer, BullMQ creates no signal and ends jobs in another way.
      async (job: Job<string>, token: string | undefined, _signal: AbortSignal | undefined) => {
        try {
          await follow(puller, fateOf(puller, job, ending.aborted), {
            job,
            token,
            serve,
            worker,
            signal: ending,
          });
        } catch (thrown) {
          if (thrown instanceof WaitingError) throw thrown;
          // Serving never fails because of the suite. This error is a defect, and the agent must stop.
          failed.reject(thrown);
          throw thrown;
        }
        worker.concurrency = concurrency();
      },
      { ...optionsOf(puller, lane), concurrency: concurrency(), autorun: false },
      shared,
      ending,
    );
    worker.on('error', warn);
    return worker;
  };
  const stopped = once(signal, 'abort').then(() => null);
  const worker = await openWorker(newWorker, stopped, warn);
  if (worker === null) return;
  void redis.expire(jobKey(keys, 'meta', lane), KEY_LIFE_SECONDS).catch(warn);
  worker.run().catch(failed.reject);
  try {
    await Promise.race([stopped, failed.promise]);
  } finally {
    // After a defect, the worker may wait for a slot, and must not fetch another attempt.
    closing.abort();
    await worker.close();
  }
}

/**
 * Resolves with a worker that is connected, or with null when `stopped` resolves before. BullMQ never tries again if the first commands of a
 * worker fail, so each try needs a new worker.
 */
async function openWorker(
  newWorker: () => AttemptWorker,
  stopped: Promise<null>,
  warn: (problem: unknown) => void,
): Promise<AttemptWorker | null> {
  return await retryWhileUnavailable(async () => {
    const worker = newWorker();
    let isReady = false;
    try {
      isReady = (await Promise.race([worker.waitUntilReady().then(() => true), stopped])) ?? false;
    } finally {
      if (!isReady) await worker.close();
    }
    return isReady ? worker : null;
  }, warn);
}

const optionsOf = ({ redis, keys, agent }: Puller, lane: Lane | null): WorkerOptions => ({
  connection: redis,
  prefix: queuePlace(keys, lane).prefix,
  name: agent,
  // One job is one attempt: a dead agent's jobs remain in place, and the coordinator enqueues new attempts.
  skipStalledCheck: true,
  drainDelay: DRAIN_SECONDS,
  ...LOCK,
});

function fateOf({ reader, agent, serving, served }: Puller, job: Job<string>, isLeaving: boolean): Fate {
  const running = serving.get(idOf(job));
  if (isLeaving && running === undefined) return { kind: 'hand-back' };
  if (running !== undefined) return { kind: 'await', running };
  if (served.has(idOf(job))) return { kind: 'drop', problem: `attempt ${idOf(job)} of run ${reader.run} was enqueued again` };
  const request = readableAttempt(job, reader);
  if (request instanceof ShardlineError) return { kind: 'drop', problem: request };
  return isAvoidedBy(agent, request, job) ? { kind: 'avoid' } : { kind: 'serve', request };
}

/** The attempt of a job, or why it has none. */
function readableAttempt({ id, data }: Job<string>, reader: Reader): AttemptRequest | ShardlineError {
  const source = `shard queue of run ${reader.run}`;
  try {
    const request = decodeAttempt(data, reader, source);
    if (request.id === id) return request;
    return new ShardlineError('bad-message', { source, problem: `job ${id} has the attempt ${request.id}` });
  } catch (thrown) {
    if (thrown instanceof ShardlineError) return thrown;
    throw thrown;
  }
}

/** One fetched job, and what may be done with it. */
interface Fetched {
  readonly job: Job<string>;
  /** The worker's token for the job's lock. */
  readonly token: string | undefined;
  readonly serve: (attempt: AttemptRequest) => Promise<void>;
  readonly worker: AttemptWorker;
  readonly signal: AbortSignal;
}

/** Resolves when the job is complete. Throws BullMQ's `WaitingError` when it was handed back. */
async function follow({ serving, served, warn }: Puller, fate: Fate, { job, token, serve, worker, signal }: Fetched): Promise<void> {
  // If the hand-back fails, or only its reply was lost, the coordinator notices that no agent has the attempt.
  const handBack = (): Promise<unknown> => job.moveToWait(token).catch(warn);
  switch (fate.kind) {
    case 'hand-back':
      await handBack();
      throw new WaitingError();
    case 'avoid':
      // Not moveToDelayed: clocks that may differ decide when such a job is due again.
      await handBack();
      worker.freeSlot(job);
      await delay(AVOID_MS, undefined, { signal }).catch(() => undefined);
      throw new WaitingError();
    case 'await':
      await fate.running;
      return;
    case 'drop':
      warn(fate.problem);
      return;
    case 'serve': {
      const { request } = fate;
      const begin = async (): Promise<void> => {
        if (runsAlone(request.role) && !(await worker.alone(job))) {
          await handBack();
          throw new WaitingError();
        }
        served.add(idOf(job));
        await serve(request);
      };
      const begun = begin().finally(() => serving.delete(idOf(job)));
      serving.set(idOf(job), begun);
      await begun;
      return;
    }
    default:
      assertNever(fate);
  }
}

const idOf = (job: Job<string>): string => job.id ?? '';

/** BullMQ counts how often a job was fetched. */
const isAvoidedBy = (agent: AgentId, request: AttemptRequest, job: Job): boolean =>
  request.avoid.includes(agent) && job.attemptsStarted <= (request.role === 'recheck' ? AVOID_RECHECK_TIMES : AVOID_TIMES);
