// An agent's heartbeat in a run, over a real Redis: the lifetimes of the run's keys, and what it makes of a run that is missing.

import type { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { followRun } from '../../agent/redis/run-life.ts';
import { agentId, runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { jobKey, movingKeys, queueKeys, runKeys } from '../../shared/redis/keys.ts';
import { startDurableRedis } from '../support/durable-redis.ts';
import { eventually } from '../support/eventually.ts';
import { servers, startServer } from '../support/redis.ts';

const agent = agentId('a1');
const keys = runKeys(runId('r1'));
/** Between the lifetime that the tests set and the one that a heartbeat sets, in seconds. */
const SHORT = 100;

/** The keys that a coordinator creates for a run and renews itself. An agent only reads them. */
const foreign: readonly string[] = [keys.spec, keys.coordinator];

/** These keys, and the lasting ones that BullMQ creates, all without a lifetime. */
async function createRun(redis: Redis): Promise<void> {
  await redis.set(keys.spec, 'spec');
  await redis.hset(keys.coordinator, 'epoch', 1);
  await redis.hset(keys.numbers, 'fleet', 1);
  for (const key of queueKeys(keys)) if (!movingKeys(keys).includes(key)) await redis.set(key, '1');
}

async function lifetimes(redis: Redis): Promise<Map<string, number>> {
  const names = (await redis.keys('*')).filter((name) => !foreign.includes(name));
  return new Map(await Promise.all(names.map(async (name) => [name, await redis.ttl(name)] as const)));
}

const shorten = async (redis: Redis): Promise<void> => {
  for (const name of await redis.keys('*')) await redis.expire(name, SHORT);
};

const isLong = (seconds: number): boolean => seconds > SHORT;
const allLong = async (redis: Redis): Promise<boolean> => [...(await lifetimes(redis)).values()].every(isLong);

describe.each(servers)('a heartbeat over %s', (_, redisBin) => {
  test('gives each key that appears a lifetime at once, and renews all lifetimes once a minute', async () => {
    await using server = await startServer(redisBin);
    const redis = await connect(server.url, 'test');
    try {
      let now = 0;
      const life = followRun(redis, keys, () => now);
      await createRun(redis);
      await life.beat(agent, []);
      expect(await allLong(redis)).toBe(true);

      await shorten(redis);
      for (const key of movingKeys(keys)) await redis.set(key, '1');
      now = 59_000;
      await life.beat(agent, ['s1.1']);
      const after = await lifetimes(redis);
      expect([...after].filter(([, seconds]) => isLong(seconds)).map(([name]) => name)).toEqual(
        expect.arrayContaining([...movingKeys(keys)]),
      );
      expect([...after.values()].filter(isLong)).toHaveLength(movingKeys(keys).length);

      now = 61_000;
      await life.beat(agent, []);
      expect(await allLong(redis)).toBe(true);
    } finally {
      redis.disconnect();
    }
  });

  test('renews all lifetimes after Redis has lost the list of agents, and on a new connection', async () => {
    await using server = await startServer(redisBin);
    const redis = await connect(server.url, 'test');
    const other = await connect(server.url, 'other');
    try {
      const life = followRun(redis, keys, () => 0);
      await createRun(redis);
      await life.beat(agent, []);
      await shorten(redis);
      await redis.del(keys.agents);
      await life.beat(agent, []);
      expect(await allLong(redis)).toBe(true);

      await shorten(redis);
      await life.beat(agent, []);
      expect(await allLong(redis)).toBe(false);
      await other.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await eventually('the new connection is noticed', async () => {
        await life.beat(agent, []);
        return await allLong(redis);
      });
    } finally {
      other.disconnect();
      redis.disconnect();
    }
  });

  test('goes on after the server has dropped its scripts', async () => {
    await using server = await startServer(redisBin);
    const redis = await connect(server.url, 'test');
    try {
      const life = followRun(redis, keys, () => 0);
      await createRun(redis);
      await life.beat(agent, []);
      await redis.script('FLUSH');
      await redis.del(jobKey(keys, 'wait'));
      await life.beat(agent, ['s1.1']);
      expect(await redis.hget(keys.holding, agent)).toBe('s1.1');
      expect(life.isOver()).toBe(false);
    } finally {
      redis.disconnect();
    }
  });
});

test('a run that is closed after its server has restarted is over at once', async () => {
  await using server = await startDurableRedis();
  const redis = await connect(server.url, 'test');
  try {
    const life = followRun(redis, keys, () => 0);
    await createRun(redis);
    await life.beat(agent, []);
    await server.kill();
    await server.start();
    await life.beat(agent, []);
    // The connection broke between the two heartbeats, or during the last one.
    await life.beat(agent, []);
    await redis.unlink(keys.spec);
    await life.beat(agent, []);
    expect(life.isOver()).toBe(true);
  } finally {
    redis.disconnect();
  }
});

test('an agent waits a minute for a run that its restarted server has lost', async () => {
  await using server = await startDurableRedis();
  const redis = await connect(server.url, 'test');
  try {
    let now = 0;
    const life = followRun(redis, keys, () => now);
    await createRun(redis);
    await life.beat(agent, []);
    await server.kill();
    await server.forget();
    await server.start();
    await life.beat(agent, []);
    expect(life.isOver()).toBe(false);
    await createRun(redis);
    await life.beat(agent, []);
    expect(life.returns()).toBe(1);

    await server.kill();
    await server.forget();
    await server.start();
    await life.beat(agent, []);
    now = 59_000;
    await life.beat(agent, []);
    expect(life.isOver()).toBe(false);
    now = 61_000;
    await life.beat(agent, []);
    expect(life.isOver()).toBe(true);
  } finally {
    redis.disconnect();
  }
});
