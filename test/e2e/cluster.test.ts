// Runs a suite over a cluster of three real servers.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFleet } from '../../coordinator/redis/inspect/fleet.ts';
import { runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { alive } from '../../shared/redis/presence.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { eventually } from '../support/eventually.ts';
import { serverProgram, startProgram, type TcpRedis } from '../support/redis.ts';
import { newProject } from '../support/shardline.ts';
import { wholeRun } from '../support/whole-run.ts';

const SLOTS = 16_384;

/** Starts three servers that share the slots. Returns the URL of the cluster. */
async function startCluster(servers: TcpRedis[], directory: string): Promise<string> {
  for (const index of [0, 1, 2]) {
    const files = ['--cluster-config-file', join(directory, `nodes-${index}.conf`)];
    servers.push(await startProgram(serverProgram('valkey-9') ?? '', '--cluster-enabled', 'yes', ...files));
  }
  for (const [index, { url }] of servers.entries()) {
    const admin = await connect(url, 'test');
    const from = Math.floor((SLOTS * index) / servers.length);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', from, Math.floor((SLOTS * (index + 1)) / servers.length) - 1);
    for (const { port } of servers) await admin.call('CLUSTER', 'MEET', '127.0.0.1', port);
    admin.disconnect();
  }
  for (const { url } of servers) {
    const admin = await connect(url, 'test');
    const isWhole = async (): Promise<boolean> =>
      /cluster_state:ok\s[\s\S]*cluster_known_nodes:3/.test(String(await admin.call('CLUSTER', 'INFO')));
    await eventually('the cluster is whole', isWhole);
    admin.disconnect();
  }
  return `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
}

test('in a cluster, the server that holds a pool or a run answers what the time is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-cluster-'));
  const servers: TcpRedis[] = [];
  try {
    const redis = await connect(await startCluster(servers, directory), 'test');
    const nodes = await Promise.all(servers.map(({ url }) => connect(url, 'test')));
    /** How often each server was asked for the time. */
    const asked = async (): Promise<readonly number[]> => {
      const counts: number[] = [];
      for (const node of nodes) counts.push(Number(/^cmdstat_time:calls=(\d+)/m.exec(await node.info('commandstats'))?.[1] ?? 0));
      return counts;
    };
    const ownerOf = async (key: string): Promise<number> =>
      Math.floor((Number(await redis.call('CLUSTER', 'KEYSLOT', key)) * servers.length) / SLOTS);
    const owners = new Set<number>();
    for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) {
      const { agents } = poolKeys(name);
      const owner = await ownerOf(agents);
      owners.add(owner);
      const before = await asked();
      expect(Math.abs((await serverNow(redis, name)) - Date.now())).toBeLessThan(10_000);
      expect(await alive(redis, agents)).toEqual([]);
      expect((await readFleet(redis, name)).runs).toEqual([]);
      const after = await asked();
      expect(after.map((count, index) => count - (before[index] ?? 0) > 0)).toEqual(servers.map((_, index) => index === owner));
    }
    expect(owners.size).toBeGreaterThan(1);
    const runs = ['r1', 'r2', 'r3', 'r4'].map(runId);
    for (const run of runs) await redis.hset(poolKeys('one').runs, run, '{}');
    const before = await asked();
    expect((await readFleet(redis, 'one')).runs).toHaveLength(runs.length);
    const after = await asked();
    const holders = await Promise.all([poolKeys('one').agents, ...runs.map((run) => runKeys(run).agents)].map(ownerOf));
    // One question for the pool's agents, one for the pool itself, and one for each run.
    const expected = servers.map((_, index) => holders.filter((holder) => holder === index).length + Number(index === holders[0]));
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual(expected);
    for (const each of [redis, ...nodes]) each.disconnect();
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  }
});

test('a run over a cluster has the outcomes of pytest', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-cluster-'));
  const servers: TcpRedis[] = [];
  try {
    const url = await startCluster(servers, directory);
    const { outcomes, expected, exitCode, said } = await wholeRun({ run: url, agent: url });
    expect(outcomes, said).toEqual(expected);
    expect(exitCode, said).toBe(1);
    const redis = await connect(url, 'test');
    expect(await redis.hlen('{sl:pool:default}:timings')).toBe(8);
    redis.disconnect();
    await using project = await newProject({ 'test_a.py': 'def test_a(): pass\n' });
    const env = { SHARDLINE_REDIS_URL: url };
    expect((await project.shardline(['status'], env)).stdout).toMatch(/^pool default: 0 open runs, 0 agents/);
    expect((await project.shardline(['doctor'], env)).all).toMatch(/redis\+cluster:\S+ answers in/);
    expect((await project.shardline(['cancel', 'r1'], env)).all).toMatch(/no open run/i);
    const alone = await project.shardline(['run', '--redis', servers[0]?.url ?? '']);
    expect([alone.exitCode, alone.all]).toEqual([
      4,
      expect.stringMatching(/is one server of a cluster\.[\s\S]*\nFix: Write redis\+cluster:/),
    ]);
    const away = await project.shardline(['status', '--redis', 'redis+cluster://127.0.0.1:1']);
    expect([away.exitCode, away.all]).toEqual([4, expect.stringMatching(/Could not connect to Redis at redis\+cluster:/)]);
    const ci = await project.shardline(['ci', '--run-id', 'cluster', '-n', '1'], env);
    expect(ci.exitCode, ci.all).toBe(0);
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  }
});
