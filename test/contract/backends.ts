// The backends of a run: real servers, and the model server of the simulations. All satisfy the same contract.

import type { Redis } from 'ioredis';
import type { PoolMember } from '../../agent/ports.ts';
import { redisPoolMember } from '../../agent/redis/pool-member.ts';
import type { Pools } from '../../coordinator/ports.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import { type AttemptId, agentId, type RunId } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { connect } from '../../shared/redis/connect.ts';
import { jobKey, poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { modelMember } from '../fakes/redis/agent-side.ts';
import { endConnections, type Network } from '../fakes/redis/connection.ts';
import { modelPools } from '../fakes/redis/coordinator-side.ts';
import { realTime, startProcess } from '../fakes/redis/process.ts';
import { startServer as startModel } from '../fakes/redis/server.ts';
import { keepRun, startCoordinator } from '../support/coordinator.ts';
import { servers, startServer } from '../support/redis.ts';

export interface Backend extends AsyncDisposable {
  readonly pools: Pools;
  member(spec: RunSpec, name?: string, labels?: readonly string[]): Promise<PoolMember & AsyncDisposable>;
  /** The names of all stored data of the run. */
  keys(run: RunId): Promise<readonly string[]>;
  isAnnounced(spec: RunSpec): Promise<boolean>;
  /** Loses all data of the run except its announcement. */
  loseRun(run: RunId): Promise<void>;
  loseAnnouncement(spec: RunSpec): Promise<void>;
  loseNumbers(run: RunId): Promise<void>;
  /** Loses the data of an attempt, but keeps its place in the queue. */
  loseAttempt(run: RunId, attempt: AttemptId): Promise<void>;
  /** Forgets all looks of the coordinator but the first, like a server restored to an earlier state. */
  forgetLooks(run: RunId): Promise<void>;
  /** Moves the coordinator's last sign of life into the past. */
  silence(run: RunId, ms: number): Promise<void>;
  /** Moves the time at which the lease of the run is free; a negative `ms` is in the past. */
  endLeaseIn(run: RunId, ms: number): Promise<void>;
  /** Another coordinator opens the run in a process of its own, and keeps its lease. */
  startCoordinator(spec: RunSpec): Promise<OtherCoordinator>;
  /** Breaks every connection except those that show that a process is connected. */
  breakConnections(): Promise<void>;
  /** Breaks the connections that show that a process is connected. */
  breakLines(): Promise<void>;
}

export interface OtherCoordinator {
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP. */
  freeze(): void;
  /** SIGCONT. Resolves when the coordinator has lost the run. */
  thaw(): Promise<void>;
}

export const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ...servers.map(([name, redisBin]) => [name, () => redisBackend(redisBin)] as const),
  ['the model', modelBackend],
];

async function redisBackend(redisBin: string | null): Promise<Backend> {
  const server = await startServer(redisBin);
  const redis: Redis = await connect(server.url, 'coordinator');
  const keys = async (run: RunId): Promise<readonly string[]> => (await redis.keys(`*${run}}*`)).sort();
  // This connection breaks all others, and stays open.
  const knife = await connect(server.url, 'knife');
  return {
    pools: redisPools(redis),
    member: (spec, name = 'a1', labels = []) =>
      redisPoolMember({
        url: server.url,
        pool: spec.pool,
        agent: agentId(name),
        labels,
        only: null,
        signer: null,
        verifier: NO_VERIFIER,
        warn: () => undefined,
        declined: () => undefined,
      }),
    keys,
    isAnnounced: async ({ pool, runId }) => (await redis.hexists(poolKeys(pool).runs, runId)) === 1,
    async loseRun(run) {
      for (const key of await keys(run)) await redis.unlink(key);
    },
    async loseAnnouncement({ pool, runId }) {
      await redis.hdel(poolKeys(pool).runs, runId);
    },
    async loseNumbers(run) {
      await redis.del(runKeys(run).numbers);
    },
    async loseAttempt(run, attempt) {
      await redis.del(jobKey(runKeys(run), attempt));
    },
    async forgetLooks(run) {
      await redis.hset(runKeys(run).coordinator, 'look', 1);
    },
    async silence(run, ms) {
      await redis.hset(runKeys(run).coordinator, 'at', Date.now() - ms);
    },
    async endLeaseIn(run, ms) {
      await redis.hset(runKeys(run).coordinator, 'expires', Date.now() + ms);
    },
    startCoordinator: (spec) => startCoordinator(server.url, spec),
    async breakConnections() {
      await knife.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    async breakLines() {
      await knife.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    },
    async [Symbol.asyncDispose]() {
      knife.disconnect();
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Runs in real time. Each message takes one or two milliseconds. */
async function modelBackend(): Promise<Backend> {
  const server = startModel(realTime);
  let messages = 0;
  const network: Network = { delayMs: () => 1 + (messages++ % 2), connectMs: () => 5 };
  const runOf = (run: RunId) => server.data.runs.get(run);
  const coordinatorOf = (run: RunId) => {
    const coordinator = runOf(run)?.coordinator;
    if (coordinator == null) throw new Error(`no coordinator of ${run}`);
    return coordinator;
  };
  const breakThose = (areLines: boolean): void => {
    for (const connection of [...server.connections]) if ((connection.listensTo !== null) === areLines) connection.break();
  };
  return {
    pools: modelPools({ server, process: startProcess(realTime, 'coordinator'), network }),
    member: async (spec, name = 'a1', labels = []) =>
      modelMember({ server, process: startProcess(realTime, name), network }, spec.pool, agentId(name), labels),
    async keys(run) {
      const stored = Object.entries(runOf(run) ?? {}).filter(([, value]) =>
        value instanceof Map ? value.size > 0 : Array.isArray(value) ? value.length > 0 : value !== null,
      );
      return stored.map(([name]) => name).sort();
    },
    isAnnounced: async ({ pool, runId }) => server.data.pools.get(pool)?.runs.has(runId) ?? false,
    async loseRun(run) {
      server.data.runs.delete(run);
    },
    async loseAnnouncement({ pool, runId }) {
      server.data.pools.get(pool)?.runs.delete(runId);
    },
    async loseNumbers(run) {
      runOf(run)?.numbers.clear();
    },
    async loseAttempt(run, attempt) {
      runOf(run)?.jobs.delete(attempt);
    },
    async forgetLooks(run) {
      coordinatorOf(run).look = 1;
    },
    async silence(run, ms) {
      coordinatorOf(run).at = realTime.now() - ms;
    },
    async endLeaseIn(run, ms) {
      coordinatorOf(run).expires = realTime.now() + ms;
    },
    async startCoordinator(spec) {
      const process = startProcess(realTime, `coordinator ${spec.runId}`);
      const channel = await modelPools({ server, process, network }).openRun(spec);
      const serving = keepRun(channel, process.clock);
      return {
        async kill() {
          process.kill();
          endConnections(server, process);
        },
        freeze: () => process.freeze(),
        async thaw() {
          process.thaw();
          await serving;
        },
      };
    },
    breakConnections: async () => breakThose(false),
    breakLines: async () => breakThose(true),
    async [Symbol.asyncDispose]() {
      for (const connection of [...server.connections]) connection.owner.kill();
    },
  };
}
