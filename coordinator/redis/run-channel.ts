// Implements the `RunChannel` port: sends attempts as BullMQ jobs, reads events from one stream, and writes commands to another.

import { type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import { COVERAGE_LIMITS } from '../../shared/domain/coverage.ts';
import { type AttemptId, agentId } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import {
  coverageField,
  jobKey,
  KEY_LIFE_SECONDS,
  lifeline,
  poolKeys,
  QUEUE_NAME,
  queueKeys,
  type RunKeys,
  runKeys,
} from '../../shared/redis/keys.ts';
import { readStream } from '../../shared/redis/read-stream.ts';
import { patiently } from '../../shared/redis/retry-while-unavailable.ts';
import { encodeAttempt } from '../../shared/wire/attempt.ts';
import { encodeCommand } from '../../shared/wire/control.ts';
import { decodeEvents } from '../../shared/wire/events.ts';
import { encodeSpec } from '../../shared/wire/run-spec.ts';
import type { PresenceOf, RunChannel } from '../ports.ts';
import { beginTenure, type Tenure } from './coordinator-epoch.ts';

/** Jobs added per command; more would block Redis and Node for longer than a beat. */
const CHUNK = 1000;
/** Batches of events per read. */
const READ_BATCHES = 200;
/**
 * Entries in the pool's stream of opened runs, and how long it lives. The stream only wakes agents; the hash records which runs are open.
 */
const OPENINGS = 100;
const OPENED_LIFE_SECONDS = 10;

/** Announces the run and takes over its coordination. `earlier` resolves with the attempts that an earlier coordinator enqueued. */
export async function openChannel(redis: Redis, spec: RunSpec, earlier: () => Promise<readonly AttemptId[]>): Promise<RunChannel> {
  const { runId } = spec;
  const keys = runKeys(runId);
  const pool = poolKeys(spec.pool);
  // Create the run before announcing it, so that agents always find it open.
  const tenure = await beginTenure(redis, runId, keys, encodeSpec(spec));
  await announceToPool(redis, spec);
  // Redis may have come back empty in between. An agent that finds an announced run missing takes it for closed and does not return.
  if (!(await tenure.holds())) {
    await tenure.restore();
    await announceToPool(redis, spec);
  }
  const known = new Set<AttemptId>(await earlier());
  const queue = new Queue<string, void, string>(QUEUE_NAME, {
    connection: redis,
    prefix: keys.queuePrefix,
    // Keep finished jobs, so that a job added again does not run again; closing the run deletes all of them.
    defaultJobOptions: { attempts: 1, removeOnComplete: false, removeOnFail: false },
    streams: { events: { maxLen: 100 } },
  });
  // The client reconnects by itself; the run loop detects a lasting silence.
  queue.on('error', () => undefined);
  let isLost = false;
  let connections = 0;
  const onReady = (): void => {
    connections += 1;
  };
  redis.on('ready', onReady);
  let restart = new AbortController();

  let closing: Promise<void> | null = null;
  /** Closing waits for these, because jobs enqueued after the deletion would remain in Redis. */
  const enqueuing = new Set<Promise<void>>();
  const close = async (): Promise<void> => {
    redis.off('ready', onReady);
    await Promise.allSettled(enqueuing);
    await deleteKeys(redis, tenure, keys, [...known]);
    await patiently(() => redis.hdel(pool.runs, runId));
    await queue.close();
  };

  const enqueue = async (attempts: readonly AttemptRequest[]): Promise<void> => {
    for (let from = 0; from < attempts.length; from += CHUNK) {
      const chunk = attempts.slice(from, from + CHUNK);
      // Redis lost the run or it is closing. The next look detects the loss, and the attempts are enqueued again.
      if (!(await tenure.holds()) || closing !== null) return;
      await patiently(() => queue.addBulk(inQueueOrder(chunk).map(toJob)));
      for (const attempt of chunk) known.add(attempt.id);
      const pipeline = redis.pipeline();
      for (const attempt of chunk) pipeline.expire(jobKey(keys, attempt.id), KEY_LIFE_SECONDS);
      for (const key of queueKeys(keys)) pipeline.expire(key, KEY_LIFE_SECONDS);
      await pipeline.exec();
    }
  };

  /** Lists the queue before active jobs: a job that moves in between is then in at least one list. */
  const look = async <Waiting>(listQueue: () => Promise<Waiting>): Promise<PresenceOf<Waiting>> => {
    if (isLost) return { kind: 'unknown' };
    const found = await tenure.look();
    if (found.kind !== 'here') {
      isLost = true;
      // A lost stream starts again, and its new ids may be below those already read.
      if (found.kind === 'missing') {
        restart.abort();
        restart = new AbortController();
      }
      return { kind: 'emptied', isMissing: found.kind === 'missing' };
    }
    const waiting = await listQueue();
    // An entry is undefined if Redis lost the job in between.
    const jobs: readonly (Job<string> | undefined)[] = await patiently(() => queue.getJobs(['active']));
    return {
      kind: 'here',
      alive: [...found.agents.keys()],
      waiting,
      taken: jobs.flatMap((job) =>
        job?.processedBy !== undefined && known.has(job.id as AttemptId)
          ? [{ attempt: job.id as AttemptId, agent: agentId(job.processedBy) }]
          : [],
      ),
      holding: new Map([...found.agents].map(([agent, held]) => [agent, held.filter((id) => known.has(id as AttemptId)) as AttemptId[]])),
    };
  };

  return {
    runId,
    isFound: tenure.isFound,

    async enqueue(attempts) {
      const work = enqueue(attempts).finally(() => enqueuing.delete(work));
      enqueuing.add(work);
      await work;
    },

    async *events(from, signal) {
      const source = `event stream of run ${runId}`;
      for (let after = from; !signal.aborted; after = '0') {
        const reading = AbortSignal.any([signal, restart.signal]);
        for await (const entries of readStream(redis, keys.events, after, READ_BATCHES, reading)) {
          if (entries.length === 0) continue;
          yield entries.map(({ id, fields }) => ({ position: id, events: decodeEvents(fields.get('batch') ?? '', source) }));
        }
      }
    },

    async confirm() {
      await tenure.holds();
    },

    async tell(command) {
      await tenure.tell(encodeCommand(command));
    },

    presence: () => look(async () => new Set(await queued(redis, keys))),
    presenceBesideQueue: () => look(async () => null),

    async connected(agents) {
      const connection = connections;
      try {
        const lines = agents.map((agent) => lifeline(spec.pool, agent));
        const counts = agents.length === 0 ? [] : await patiently(() => redis.call('PUBSUB', 'NUMSUB', ...lines));
        const listeners = Array.isArray(counts) ? counts.filter((_, at) => at % 2 === 1).map(Number) : [];
        // A break of our connection breaks the agents' connections too, and each reconnects in its own time.
        if (connection !== connections) return null;
        return new Set(agents.filter((_, at) => (listeners[at] ?? 0) > 0));
      } catch (thrown) {
        if (/NOPERM/.test(String(thrown))) return null;
        throw thrown;
      }
    },

    async takeCoverage(agent, { part, chunks }) {
      const fields = Array.from({ length: chunks }, (_, chunk) => coverageField(agent, part, chunk));
      const pieces: Buffer[] = [];
      for (const field of fields) {
        const piece = await patiently(() => redis.hgetBuffer(keys.coverage, field));
        if (piece === null || piece.length > COVERAGE_LIMITS.chunkBytes) return null;
        pieces.push(piece);
      }
      await patiently(() => redis.hdel(keys.coverage, ...fields));
      return Buffer.concat(pieces);
    },

    async announce() {
      await tenure.restore();
      await patiently(() => announceToPool(redis, spec));
      isLost = false;
    },

    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Ids of the attempts that wait in the queue. */
async function queued(redis: Redis, keys: RunKeys): Promise<readonly AttemptId[]> {
  const first = await patiently(() => redis.lrange(jobKey(keys, 'wait'), 0, -1));
  return [...first, ...(await patiently(() => redis.zrange(jobKey(keys, 'prioritized'), 0, '-1')))] as AttemptId[];
}

async function announceToPool(redis: Redis, spec: RunSpec): Promise<void> {
  const pool = poolKeys(spec.pool);
  await redis
    .multi()
    .hset(pool.runs, spec.runId, encodeSpec(spec))
    .expire(pool.runs, KEY_LIFE_SECONDS)
    .xadd(pool.opened, 'MAXLEN', '~', OPENINGS, '*', 'run', spec.runId)
    .expire(pool.opened, OPENED_LIFE_SECONDS)
    .exec();
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

const toJob = (attempt: AttemptRequest) => ({
  name: attempt.role,
  data: encodeAttempt(attempt),
  opts: { jobId: attempt.id, lifo: isUrgent(attempt) },
});

/** Deletes the spec and its dependent keys in one step, after which agents write nothing more. */
async function deleteKeys(redis: Redis, tenure: Tenure, keys: RunKeys, attempts: readonly AttemptId[]): Promise<void> {
  await tenure.end([
    keys.spec,
    keys.events,
    keys.producers,
    keys.control,
    keys.agents,
    keys.holding,
    keys.coverage,
    keys.numbers,
    ...queueKeys(keys),
  ]);
  for (let from = 0; from < attempts.length; from += CHUNK) {
    const own = attempts.slice(from, from + CHUNK).flatMap((id) => [jobKey(keys, id), `${jobKey(keys, id)}:lock`]);
    await patiently(() => redis.unlink(...own));
  }
}
