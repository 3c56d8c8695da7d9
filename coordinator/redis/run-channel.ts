// Implements the `RunChannel` port: sends attempts as BullMQ jobs, reads events from one stream, and writes commands to another.

import type { Redis } from 'ioredis';
import { COVERAGE_LIMITS, type CoveragePart } from '../../shared/domain/coverage.ts';
import type { AgentId, AttemptId } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { coverageField, KEY_LIFE_SECONDS, poolKeys, queueKeys, type RunKeys, runKeys } from '../../shared/redis/keys.ts';
import { patiently } from '../../shared/redis/retry-while-unavailable.ts';
import { encodeCommand } from '../../shared/wire/control.ts';
import { encodeSpec } from '../../shared/wire/run-spec.ts';
import type { RunChannel } from '../ports.ts';
import { openAttemptQueue } from './attempt-queue.ts';
import { followConnections } from './connected-agents.ts';
import { beginTenure, type Tenure } from './coordinator-epoch.ts';
import { createRunEvents } from './run-events.ts';
import { createRunPresence } from './run-presence.ts';

/**
 * Entries in the pool's stream of opened runs, and how long it lives. The stream only wakes agents; the hash records which runs are open.
 */
const OPENINGS = 100;
const OPENED_LIFE_SECONDS = 10;

/** Announces the run and takes over its coordination. `earlier` resolves with the attempts that an earlier coordinator enqueued. */
export async function openChannel(redis: Redis, spec: RunSpec, earlier: () => Promise<readonly AttemptId[]>): Promise<RunChannel> {
  const { runId, pool } = spec;
  const keys = runKeys(runId);
  const tenure = await beginAnnounced(redis, spec, keys);
  const queue = await openAttemptQueue(redis, keys, tenure, await earlier());
  const events = createRunEvents(redis, runId, keys);
  const presence = createRunPresence(tenure, queue, events.restart);
  const connections = followConnections(redis, pool);

  const close = async (): Promise<void> => {
    connections.close();
    await queue.stop();
    await deleteKeys(tenure, keys);
    await queue.deleteJobs();
    await patiently(() => redis.hdel(poolKeys(pool).runs, runId));
    await queue.close();
  };
  let closing: Promise<void> | null = null;

  return {
    runId,
    isFound: tenure.isFound,
    enqueue: queue.enqueue,
    events: events.read,
    async confirm() {
      await tenure.holds();
    },
    async tell(command) {
      await tenure.tell(encodeCommand(command));
    },
    presence: presence.look,
    connected: connections.among,
    takeCoverage: (agent, part) => takeCoverage(redis, keys, agent, part),
    async announce() {
      await tenure.restore();
      await patiently(() => announceToPool(redis, spec));
      presence.regained();
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Creates the run before it announces it, so that agents always find it open. */
async function beginAnnounced(redis: Redis, spec: RunSpec, keys: RunKeys): Promise<Tenure> {
  const tenure = await beginTenure(redis, spec.runId, keys, encodeSpec(spec));
  await announceToPool(redis, spec);
  // Redis may have come back empty in between. An agent that finds an announced run missing takes it for closed and does not return.
  if (!(await tenure.holds())) {
    await tenure.restore();
    await announceToPool(redis, spec);
  }
  return tenure;
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

async function takeCoverage(redis: Redis, keys: RunKeys, agent: AgentId, { part, chunks }: CoveragePart): Promise<Uint8Array | null> {
  const fields = Array.from({ length: chunks }, (_, chunk) => coverageField(agent, part, chunk));
  const pieces: Buffer[] = [];
  for (const field of fields) {
    const piece = await patiently(() => redis.hgetBuffer(keys.coverage, field));
    if (piece === null || piece.length > COVERAGE_LIMITS.chunkBytes) return null;
    pieces.push(piece);
  }
  await patiently(() => redis.hdel(keys.coverage, ...fields));
  return Buffer.concat(pieces);
}

/** Deletes the spec and its dependent keys in one step, after which agents write nothing more. */
async function deleteKeys(tenure: Tenure, keys: RunKeys): Promise<void> {
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
}
