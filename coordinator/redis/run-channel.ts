// Implements the `RunChannel` port: sends attempts as BullMQ jobs, reads events from one stream, and writes commands to another.

import type { Redis } from 'ioredis';
import { COVERAGE_LIMITS, type CoveragePart } from '../../shared/domain/coverage.ts';
import type { AgentId } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { coverageField, KEY_LIFE_SECONDS, poolKeys, queueKeys, type RunKeys, runKeys } from '../../shared/redis/keys.ts';
import { alive, factsOf } from '../../shared/redis/presence.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { encodeCommand } from '../../shared/wire/control.ts';
import { COORDINATOR } from '../../shared/wire/envelope.ts';
import { addressOf, encodeSpec } from '../../shared/wire/run-spec.ts';
import type { Signer, Verifier } from '../../shared/wire/signature.ts';
import { oneKeyEach } from '../../shared/wire/trust/agent-keys.ts';
import { absencesOf } from '../core/state/agents/absences.ts';
import type { Earlier, RunChannel, TakeOver } from '../ports.ts';
import { type AttemptQueue, openAttemptQueue } from './attempt-queue.ts';
import { followConnections } from './connected-agents.ts';
import { type CoordinatorEpoch, coordinatorEpoch } from './coordinator-epoch.ts';
import { takeLease } from './coordinator-lease.ts';
import type { LivenessLine } from './liveness-line.ts';
import { createRunEvents } from './run-events.ts';
import { createRunPresence } from './run-presence.ts';
import { createSharedLog } from './shared-log.ts';
import { redisUnitsStore } from './units-store.ts';

/**
 * Entries in the pool's stream of opened runs, and how long it lives. The stream only wakes agents; the hash records which runs are open.
 */
const OPENINGS = 100;
const OPENED_LIFE_SECONDS = 10;

export interface ChannelOptions {
  /** Shows that this command is connected. Without it, its leases are free only once they have expired. */
  readonly line: LivenessLine | null;
  /** The run has a log in Redis too. A Redis that ends with its coordinator has no use for one. */
  readonly keepsLog: boolean;
  /** Signs what agents act on; null to sign nothing. */
  readonly signer: Signer | null;
  /** Decides whose reports count. */
  readonly verifier: Verifier;
}

/** Takes the lease of the run, and announces the run. */
export async function openChannel(
  redis: Redis,
  spec: RunSpec,
  { line, keepsLog, signer, verifier }: ChannelOptions,
  takeOver: TakeOver,
): Promise<RunChannel> {
  const { runId, pool } = spec;
  const keys = runKeys(runId);
  const address = addressOf(spec);
  const text = encodeSpec(spec, signer);
  const lease = await takeLease({ redis, runId, keys, spec: text, line }, takeOver);
  const epoch = coordinatorEpoch(redis, runId, keys, text, lease);
  await announceNew(redis, spec, text, epoch);
  const log = keepsLog ? createSharedLog(redis, address, epoch.number) : null;
  const openQueue = async (): Promise<{ queue: AttemptQueue; earlier: Earlier }> => {
    const earlier = await takeOver.earlier(log);
    return { queue: await openAttemptQueue(redis, address, epoch, earlier.attempts, signer), earlier };
  };
  const { queue, earlier } = await openQueue().catch(async (thrown: unknown) => {
    // No coordinator follows, and agents must not join a run that this command has created.
    if (!epoch.isFound) await withdraw(redis, spec, epoch);
    throw thrown;
  });
  const events = createRunEvents(redis, { ...address, verifier: oneKeyEach(verifier, earlier.keys) });
  const presence = createRunPresence(epoch, queue, events.restart);
  const connections = followConnections(redis, pool);

  const close = async (): Promise<void> => {
    connections.close();
    await queue.stop();
    await deleteKeys(epoch, keys, queue.keys());
    await queue.deleteJobs();
    await retryWhileUnavailable(() => redis.hdel(poolKeys(pool).runs, runId));
    await queue.close();
  };
  let closing: Promise<void> | null = null;

  return {
    runId,
    isFound: epoch.isFound,
    epoch: epoch.number,
    log,
    units: spec.unitsIn === undefined ? null : redisUnitsStore(redis, spec.unitsIn, runId),
    enqueue: queue.enqueue,
    events: events.read,
    async confirm() {
      await epoch.holds();
    },
    async send(command) {
      await epoch.send((seq) => encodeCommand(command, { ...address, sender: COORDINATOR, seq, epoch: epoch.number }, signer));
    },
    presence: presence.look,
    presenceBesideQueue: presence.lookBesideQueue,
    async absences(known) {
      const pooled = poolKeys(pool);
      const unknown = (await alive(redis, pooled.agents)).filter((agent) => !known.has(agent));
      return absencesOf(runId, await factsOf(redis, pooled, unknown));
    },
    connected: connections.among,
    takeCoverage: (agent, part) => takeCoverage(redis, keys, agent, part),
    async announce() {
      await epoch.restore();
      await retryWhileUnavailable(() => announceToPool(redis, spec, text));
      presence.regained();
    },
    close() {
      closing ??= close();
      return closing;
    },
    leave() {
      connections.close();
      closing ??= queue.stop().then(() => queue.close());
      return closing;
    },
  };
}

/** Deletes a run that has no jobs. */
async function withdraw(redis: Redis, { runId, pool }: RunSpec, epoch: CoordinatorEpoch): Promise<void> {
  const keys = runKeys(runId);
  await deleteKeys(epoch, keys, queueKeys(keys));
  await retryWhileUnavailable(() => redis.hdel(poolKeys(pool).runs, runId));
}

/** Announces a run that has been created, so that agents always find it open. */
async function announceNew(redis: Redis, spec: RunSpec, text: string, epoch: CoordinatorEpoch): Promise<void> {
  await announceToPool(redis, spec, text);
  // Redis may have come back empty in between. An agent that finds an announced run missing takes it for closed and does not return.
  if (!(await epoch.holds())) {
    await epoch.restore();
    await announceToPool(redis, spec, text);
  }
}

/** `text` is the encoded spec. */
async function announceToPool(redis: Redis, { runId, pool: name }: RunSpec, text: string): Promise<void> {
  const pool = poolKeys(name);
  await redis
    .multi()
    .hset(pool.runs, runId, text)
    .expire(pool.runs, KEY_LIFE_SECONDS)
    .xadd(pool.opened, 'MAXLEN', '~', OPENINGS, '*', 'run', runId)
    .expire(pool.opened, OPENED_LIFE_SECONDS)
    .exec();
}

async function takeCoverage(redis: Redis, keys: RunKeys, agent: AgentId, { part, chunks }: CoveragePart): Promise<Uint8Array | null> {
  const fields = Array.from({ length: chunks }, (_, chunk) => coverageField(agent, part, chunk));
  const pieces: Buffer[] = [];
  for (const field of fields) {
    const piece = await retryWhileUnavailable(() => redis.hgetBuffer(keys.coverage, field));
    if (piece === null || piece.length > COVERAGE_LIMITS.chunkBytes) return null;
    pieces.push(piece);
  }
  await retryWhileUnavailable(() => redis.hdel(keys.coverage, ...fields));
  return Buffer.concat(pieces);
}

/** Deletes the spec and its dependent keys in one step, after which agents write nothing more. */
async function deleteKeys(epoch: CoordinatorEpoch, keys: RunKeys, queues: readonly string[]): Promise<void> {
  await epoch.end([
    keys.spec,
    keys.events,
    keys.producers,
    keys.control,
    keys.agents,
    keys.holding,
    keys.coverage,
    keys.numbers,
    keys.log,
    ...queues,
  ]);
}
