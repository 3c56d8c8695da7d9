// Runs suites over a cluster of real servers: undisturbed, with a server that dies, and with a run that moves to another server.

import { expect, test } from 'vitest';
import { redisPoolMember } from '../../agent/redis/pool-member.ts';
import { readFleet } from '../../coordinator/redis/inspect/fleet.ts';
import { openLivenessLine } from '../../coordinator/redis/liveness-line.ts';
import { agentId, runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { alive } from '../../shared/redis/presence.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { NO_TLS_FILES, type TlsFiles } from '../../shared/settings/settings.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { makeCertificates, tlsFilesOf, tlsOptionsOf } from '../support/certificates.ts';
import { moveSlot, type RedisCluster, serverOf, startCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { serverProgram } from '../support/redis.ts';
import { newProject } from '../support/shardline.ts';
import { wholeRun } from '../support/whole-run.ts';

const program = serverProgram('valkey-9') ?? '';
const withTls = serverProgram('redis-7');
const FILES = 30;

test('in a cluster, the server that holds a pool or a run answers what the time is', async () => {
  await using cluster = await startCluster(program);
  const { servers } = cluster;
  const redis = await connect(cluster.url, 'test');
  /** How often each server was asked for the time. */
  const asked = async (): Promise<readonly number[]> => {
    const counts: number[] = [];
    for (const { admin } of servers) counts.push(Number(/^cmdstat_time:calls=(\d+)/m.exec(await admin.info('commandstats'))?.[1] ?? 0));
    return counts;
  };
  const ownerOf = async (key: string): Promise<number> => servers.indexOf(await serverOf(cluster, key));
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
  redis.disconnect();
});

test('in a cluster, neither side subscribes: ioredis would try without a pause at servers that are gone', async () => {
  await using cluster = await startCluster(program);
  const redis = await connect(cluster.url, 'test');
  const line = openLivenessLine(redis);
  expect(await line.isSubscribed).toBe(false);
  const member = { url: cluster.url, pool: 'p', agent: agentId('a1'), only: null, signer: null, verifier: NO_VERIFIER };
  await using _agent = await redisPoolMember({ ...member, declined: () => undefined, warn: () => undefined });
  await eventually('the agent is there', async () => (await redis.zcard(poolKeys('p').agents)) === 1);
  for (const { admin } of cluster.servers) expect(await admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub')).toBe('');
  line.close();
  redis.disconnect();
});

test('a run over a cluster has the outcomes of pytest', async () => {
  await using cluster = await startCluster(program);
  const { url, servers } = cluster;
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
});

/** Waits until results arrive. Returns a key of the run. */
async function runUnderWay({ url }: RedisCluster, tls: TlsFiles = NO_TLS_FILES): Promise<string> {
  const redis = await connect(url, 'test', { tls });
  let key = '';
  await eventually('results arrive', async () => {
    const [id] = await redis.hkeys('{sl:pool:default}:runs');
    key = `{sl:run:${id}}:events`;
    return id !== undefined && (await redis.xlen(key)) > 10;
  });
  redis.disconnect();
  return key;
}

test('a run survives the death of its server, which a replica replaces, also with TLS', async () => {
  await using certificates = await makeCertificates();
  const isTls = withTls !== null;
  await using cluster = await startCluster(withTls ?? program, { hasReplicas: true, ...(isTls ? { certificates } : {}) });
  const during = async (): Promise<void> => {
    await (await serverOf(cluster, await runUnderWay(cluster, isTls ? tlsFilesOf(certificates) : NO_TLS_FILES))).kill();
  };
  const options = isTls ? tlsOptionsOf(certificates) : [];
  const { outcomes, expected, exitCode, said } = await wholeRun(
    { run: cluster.url, agent: cluster.url },
    { during, files: FILES, options },
  );
  expect(outcomes, said).toEqual(expected);
  expect(exitCode, said).toBe(1);
});

test('a run goes on while its keys move to another server', async () => {
  await using cluster = await startCluster(program);
  let moved = 0;
  const during = async (): Promise<void> => {
    const key = await runUnderWay(cluster);
    const from = await serverOf(cluster, key);
    const to = cluster.servers.find((each) => each !== from);
    if (to !== undefined) moved = await moveSlot(cluster, key, from, to);
  };
  const { outcomes, expected, exitCode, said } = await wholeRun({ run: cluster.url, agent: cluster.url }, { during, files: FILES });
  expect(moved).toBeGreaterThan(5);
  expect(outcomes, said).toEqual(expected);
  expect(exitCode, said).toBe(1);
});

test('a run whose server dies without a replica ends with the results so far', async () => {
  await using cluster = await startCluster(program);
  const during = async (): Promise<void> => (await serverOf(cluster, await runUnderWay(cluster))).kill();
  const env = { SHARDLINE_REDIS_WAIT: '3s' };
  const { outcomes, expected, exitCode, said } = await wholeRun(
    { run: cluster.url, agent: cluster.url },
    { during, files: FILES, env, signal: 'SIGKILL' },
  );
  expect(said).toMatch(/Lost Redis: (could not reconnect|no usable answer for \d+ s)\. Ending the run with the results so far\./);
  const hasFailure = Object.values(outcomes).some((outcome) => outcome === 'failed' || outcome === 'error');
  expect(exitCode, said).toBe(hasFailure ? 1 : 11);
  expect(Object.keys(outcomes).length).toBeGreaterThan(0);
  expect(Object.keys(outcomes).length).toBeLessThan(Object.keys(expected).length);
});
