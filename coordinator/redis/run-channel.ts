// One open run in Redis: attempts go out as BullMQ jobs, events come in on a stream, commands go out on another.

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
import type { RunChannel } from '../ports.ts';
import { beginTenure, type Tenure } from './coordinator-epoch.ts';

/** How many jobs one command adds: more would hold up Redis and Node for longer than a beat. */
const CHUNK = 1000;
/** How many batches of events one read takes. */
const READ_BATCHES = 200;
/** How many openings the pool's stream remembers, and for how long: it only wakes agents, the hash says what is open. */
const OPENINGS = 100;
const OPENED_LIFE_SECONDS = 10;

/** Announces the run and begins to coordinate it, whoever did so before and enqueued `earlier`. */
export async function openChannel(redis: Redis, spec: RunSpec, earlier: () => Promise<readonly AttemptId[]>): Promise<RunChannel> {
  const { runId } = spec;
  const keys = runKeys(runId);
  const pool = poolKeys(spec.pool);
  // The run before its announcement: whoever hears of it finds it open.
  const tenure = await beginTenure(redis, runId, keys, encodeSpec(spec));
  await announceToPool(redis, spec);
  // Redis may have come back empty in between: an agent that finds a run announced and not there takes it for closed, and does not come again.
  if (!(await tenure.holds())) {
    await tenure.restore();
    await announceToPool(redis, spec);
  }
  const known = new Set<AttemptId>(await earlier());
  const queue = new Queue<string, void, string>(QUEUE_NAME, {
    connection: redis,
    prefix: keys.queuePrefix,
    // A job stays known when it is over, so that one that is added again is not run again; closing the run deletes all.
    defaultJobOptions: { attempts: 1, removeOnComplete: false, removeOnFail: false },
    streams: { events: { maxLen: 100 } },
  });
  // A broken connection mends itself; silence is what the run loop watches.
  queue.on('error', () => undefined);
  let isLost = false;
  let connections = 0;
  const onReady = (): void => {
    connections += 1;
  };
  redis.on('ready', onReady);
  let restart = new AbortController();

  let closing: Promise<void> | null = null;
  /** What is being enqueued would be left behind by a run that is closed meanwhile. */
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
      // Lost with the run: the next look finds that, and what follows is enqueued anew.
      if (!(await tenure.holds()) || closing !== null) return;
      await patiently(() => queue.addBulk(inQueueOrder(chunk).map(toJob)));
      for (const attempt of chunk) known.add(attempt.id);
      const pipeline = redis.pipeline();
      for (const attempt of chunk) pipeline.expire(jobKey(keys, attempt.id), KEY_LIFE_SECONDS);
      for (const key of queueKeys(keys)) pipeline.expire(key, KEY_LIFE_SECONDS);
      await pipeline.exec();
    }
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

    async presence() {
      if (isLost) return { kind: 'unknown' };
      const found = await tenure.look();
      if (found.kind !== 'here') {
        isLost = true;
        // A stream that is gone begins anew, and its new entries may be numbered below what was read of the old one.
        if (found.kind === 'missing') {
          restart.abort();
          restart = new AbortController();
        }
        return { kind: 'emptied', isMissing: found.kind === 'missing' };
      }
      // What waits before what is active: what moves on meanwhile is seen in one of them.
      const waiting = [
        ...(await patiently(() => redis.lrange(jobKey(keys, 'wait'), 0, -1))),
        ...(await patiently(() => redis.zrange(jobKey(keys, 'prioritized'), 0, '-1'))),
      ];
      // Of one that Redis lost meanwhile there is nothing.
      const jobs: readonly (Job<string> | undefined)[] = await patiently(() => queue.getJobs(['active']));
      return {
        kind: 'here',
        alive: [...found.agents.keys()],
        waiting: new Set(waiting as AttemptId[]),
        taken: jobs.flatMap((job) =>
          job?.processedBy !== undefined && known.has(job.id as AttemptId)
            ? [{ attempt: job.id as AttemptId, agent: agentId(job.processedBy) }]
            : [],
        ),
        holding: new Map([...found.agents].map(([agent, held]) => [agent, held.filter((id) => known.has(id as AttemptId)) as AttemptId[]])),
      };
    },

    async connected(agents) {
      const connection = connections;
      try {
        const lines = agents.map((agent) => lifeline(spec.pool, agent));
        const counts = agents.length === 0 ? [] : await patiently(() => redis.call('PUBSUB', 'NUMSUB', ...lines));
        const listeners = Array.isArray(counts) ? counts.filter((_, at) => at % 2 === 1).map(Number) : [];
        // What broke our own connection broke theirs too, and each comes back in its own time.
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

/** A retry goes before all that waits: its shard was to begin long ago, and what is begun late ends late. So the last added is the first served. A rerun does, as its result may stop the run; so does a recheck, whose result may end an agent. */
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

/** The spec and what depends on it in one step: from then on agents write nothing more. */
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
