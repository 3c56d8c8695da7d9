// An agent begins to pull, and a coordinator opens its queue, while Redis cannot serve them: both work once it can.

import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { SharedSlots } from '../../agent/ports.ts';
import { pullAttempts } from '../../agent/redis/pull-attempts.ts';
import { createSlotKeeper } from '../../agent/slot-keeper.ts';
import { openAttemptQueue } from '../../coordinator/redis/attempt-queue.ts';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import { agentId, attemptId, runId, shardId, testFile } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { jobKey, runKeys } from '../../shared/redis/keys.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { type DurableRedis, startDurableRedis } from '../support/durable-redis.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';

const address = { pool: 'p1', run: runId('r1') };
const keys = runKeys(address.run);
const shard = shardId(1);
const request: AttemptRequest = {
  id: attemptId(shard, 1),
  shard,
  fence: 1,
  role: 'primary',
  selectors: [{ kind: 'file', file: testFile('test_a.py') }],
  predictedSeconds: 1,
  avoid: [],
};

interface PullOptions {
  readonly shared?: SharedSlots | null;
  readonly slots?: number;
  readonly serve?: (request: AttemptRequest) => Promise<void>;
}

function pull(redis: Redis, { shared = null, slots = 1, serve: begin = async () => undefined }: PullOptions = {}) {
  const served: string[] = [];
  const leaving = new AbortController();
  const puller = {
    redis,
    reader: { ...address, verifier: NO_VERIFIER },
    keys,
    agent: agentId('a1'),
    serving: new Map(),
    served: new Set<string>(),
    warn: () => undefined,
    shared,
  };
  const serve = async (attempt: AttemptRequest): Promise<void> => {
    served.push(attempt.id);
    await begin(attempt);
  };
  const pulling = pullAttempts(puller, () => slots, serve, leaving.signal);
  pulling.catch(() => undefined);
  return {
    served,
    pulling,
    async stop() {
      leaving.abort();
      await pulling;
    },
  };
}

/** A connection to a server that was killed. */
async function connectionLost(server: DurableRedis): Promise<Redis> {
  const redis = await connect(server.url, 'test');
  await server.kill();
  await eventually('the connection is gone', () => redis.status !== 'ready');
  return redis;
}

const never = new AbortController().signal;
const urgency = (name: string, priority = 0) => ({ runId: runId(name), priority, drain: null, openedAt: 0 });
const openQueue = (redis: Redis) => openAttemptQueue(redis, address, { number: 1, holds: async () => true }, [], null);

test('serves what is enqueued after Redis is back if it was away when the agent began to pull', async () => {
  await using server = await startDurableRedis();
  const redis = await connectionLost(server);
  const agent = pull(redis);
  // The first try to connect fails in this time.
  await delay(1000);
  await server.start();
  const queue = await openQueue(redis);
  await queue.enqueue([request]);
  await eventually('the attempt is served', () => agent.served.length > 0);
  expect(agent.served).toEqual([request.id]);
  await agent.stop();
  await queue.close();
  redis.disconnect();
});

test('stops at once if the agent leaves while Redis is away', async () => {
  await using server = await startDurableRedis();
  const redis = await connectionLost(server);
  const agent = pull(redis);
  await delay(500);
  await agent.stop();
  expect(agent.served).toEqual([]);
  redis.disconnect();
});

test('enqueues and serves if a long script kept Redis busy when coordinator and agent began', async () => {
  await using server = await startTcpServer('--lua-time-limit', '1');
  const [redis, other] = [await connect(server.url, 'test'), await connect(server.url, 'other')];
  const untilThen = `local from = redis.call('TIME')[1]\nrepeat until redis.call('TIME')[1] - from >= 2\nreturn 1`;
  const script = other.eval(untilThen, 0);
  await expect(eventually('Redis refuses', async () => !(await redis.ping()))).rejects.toThrow('BUSY');
  const agent = pull(redis);
  const queue = await openQueue(redis);
  await script;
  await queue.enqueue([request]);
  await eventually('the attempt is served', () => agent.served.length > 0);
  expect(agent.served).toEqual([request.id]);
  await agent.stop();
  await queue.close();
  redis.disconnect();
  other.disconnect();
});

test('serves an attempt once, also if somebody enqueues its job again', async () => {
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'test');
  const agent = pull(redis);
  const queue = await openQueue(redis);
  await queue.enqueue([request]);
  await eventually('the attempt is served', () => agent.served.length > 0);
  await redis.del(jobKey(keys, request.id));
  await queue.enqueue([request]);
  await eventually('the job is fetched again', async () => (await redis.hget(jobKey(keys, request.id), 'finishedOn')) !== null);
  expect(agent.served).toEqual([request.id]);
  await agent.stop();
  await queue.close();
  redis.disconnect();
});

test.each([
  ['a slot that comes free', false],
  ['a slot that another run keeps', true],
])('fetches nothing more after a defect, also while it waits for %s', async (_, isKept) => {
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'test');
  const keeper = createSlotKeeper(Date.now);
  const [shared, other] = [keeper.enter(urgency('r1'), 1), keeper.enter(urgency('r2', 1), 1)];
  const defect = Promise.withResolvers<void>();
  const agent = pull(redis, { shared, slots: 2, serve: () => defect.promise });
  const queue = await openQueue(redis);
  await queue.enqueue([request, { ...request, id: attemptId(shard, 2), fence: 2 }]);
  await eventually('the attempt is served', () => agent.served.length > 0);
  // It gets the slot of the attempt that fails, before the run that failed.
  if (isKept) void other.take(never);
  defect.reject(new Error('a defect'));
  await expect(agent.pulling).rejects.toThrow('a defect');
  expect(agent.served).toEqual([request.id]);
  await queue.close();
  redis.disconnect();
});

test('begins a serial attempt when no other run has a slot, and hands back one that still waits when the agent leaves', async () => {
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'test');
  const keeper = createSlotKeeper(Date.now);
  const [shared, other] = [keeper.enter(urgency('r1'), 2), keeper.enter(urgency('r2'), 2)];
  const agent = pull(redis, { shared, slots: 2 });
  const queue = await openQueue(redis);
  const [first, second] = [1, 2].map((fence) => ({ ...request, id: attemptId(shard, fence), fence, role: 'serial' as const }));
  const isFetched = async (id: string): Promise<boolean> => (await redis.hget(jobKey(keys, id), 'processedOn')) !== null;
  const enqueued = async (attempt: AttemptRequest = request): Promise<void> => {
    await queue.enqueue([attempt]);
    await eventually('the attempt is fetched', () => isFetched(attempt.id));
  };
  let held = await other.take(never);
  await enqueued(first);
  await delay(200);
  expect(agent.served).toEqual([]);
  held?.free();
  await eventually('the attempt is served', () => agent.served.length > 0);
  held = await other.take(never);
  await enqueued(second);
  await agent.stop();
  expect(agent.served).toEqual([first?.id]);
  expect(await redis.lrange(jobKey(keys, 'wait'), 0, -1)).toEqual([second?.id]);
  await queue.close();
  redis.disconnect();
});
