// Connects to Sentinels and to a cluster: accounts, TLS, and errors that name the cause and the fix.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../shared/redis/connect.ts';
import { type Certificates, makeCertificates, tlsFilesOf } from '../support/certificates.ts';
import { type RedisCluster, startCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { freePort, serverProgram, startTcpServer, type TcpRedis } from '../support/redis.ts';
import { type SentinelGroup, startSentinelGroup } from '../support/sentinel.ts';

const program = serverProgram('valkey-9') ?? '';
const withTls = serverProgram('redis-7');
const passwords = { server: 'of-the-server', sentinel: 'of&the+Sentinels' };

let plain: TcpRedis;
let certificates: Certificates;
beforeAll(async () => {
  plain = await startTcpServer();
  certificates = await makeCertificates();
});
afterAll(async () => {
  await plain?.[Symbol.asyncDispose]();
  await certificates?.[Symbol.asyncDispose]();
});

const plainHost = (): string => `127.0.0.1:${plain.port}`;

describe('Sentinels with a password of their own', () => {
  let group: SentinelGroup;
  beforeAll(async () => {
    group = await startSentinelGroup(program, { passwords });
  });
  afterAll(() => group?.[Symbol.asyncDispose]());

  test('name the primary to a client with both passwords', async () => {
    const redis = await connect(group.url, 'test');
    expect(await redis.info('replication')).toContain('role:master');
    redis.disconnect();
  });

  test.each<[string, string, (url: string) => string, RegExp]>([
    ['have a password', 'sentinel-auth', (url) => url.replace(/\?.*/, ''), /NOAUTH.*\n.*own.*\nFix: Add .*sentinel_password=PASSWORD/s],
    ['have another password', 'sentinel-auth', (url) => url.replace('of%26the', 'wrong'), /WRONGPASS.*\nFix: /s],
    [
      'do not monitor the group',
      'no-sentinel-group',
      (url) => url.replace('mymaster', 'others'),
      /monitor no group others\.\nFix: Correct the name/,
    ],
    [
      'name a server with another password',
      'redis-auth',
      (url) => url.replace('of-the-server', 'wrong'),
      /rejected the user or password: WRONGPASS/,
    ],
  ])('are reported when they %s', async (_, code, change, message) => {
    const url = change(group.url);
    expect(url).not.toBe(group.url);
    const refused = connect(url, 'test');
    await expect(refused).rejects.toMatchObject({ code, exitCode: 4, message: expect.stringMatching(message) });
    await expect(refused).rejects.toMatchObject({
      message: expect.not.stringMatching(/sentinels are unreachable|of-the-server|of%26the/i),
    });
  });

  test('are refused as the server of a plain URL', async () => {
    const url = `redis://:${encodeURIComponent(passwords.sentinel)}@${group.sentinels[0]}`;
    const message = expect.stringMatching(/is a Sentinel, which stores no data\.\nFix: Write redis\+sentinel:/);
    await expect(connect(url, 'test')).rejects.toMatchObject({ code: 'redis-is-sentinel', message });
  });
});

test.each([
  [
    'no Sentinel answers',
    async () => `redis+sentinel://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}/m`,
    /: no Sentinel answers: connection refused/,
  ],
  ['the host of the Sentinel is unknown', async () => 'redis+sentinel://unknown.invalid/m', /: no Sentinel answers: unknown host/],
  [
    'no server of the cluster answers',
    async () => `redis+cluster://127.0.0.1:${await freePort()}`,
    /: no server of the cluster answers: connection refused/,
  ],
  ['the host of the cluster is unknown', async () => 'redis+cluster://unknown.invalid', /: no server of the cluster answers: unknown host/],
  ['the server is not a Sentinel', async () => `redis+sentinel://${plainHost()}/m`, /are not Sentinels\.[\s\S]*\nFix: .*26379/],
  ['the server belongs to no cluster', async () => `redis+cluster://${plainHost()}`, /is not a cluster\.[\s\S]*\nFix: Write redis:/],
])('reports that %s', async (_, urlOf, message) => {
  await expect(connect(await urlOf(), 'test')).rejects.toMatchObject({ exitCode: 4, message: expect.stringMatching(message) });
});

describe('a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster(program);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('reports the errors of its servers', async () => {
    const [server] = cluster.servers;
    const alone = {
      code: 'redis-is-cluster',
      message: expect.stringMatching(/is one server of a cluster\.[\s\S]*\nFix: Write redis\+cluster:/),
    };
    await expect(connect(server?.url ?? '', 'test')).rejects.toMatchObject(alone);
    const account = connect(cluster.url.replace('//', '//nobody:wrong@'), 'test');
    await expect(account).rejects.toMatchObject({ code: 'redis-auth', message: expect.stringContaining('WRONGPASS') });
    await server?.kill();
    const isDown = async (): Promise<boolean> =>
      String(await cluster.servers[1]?.admin.call('CLUSTER', 'INFO')).includes('cluster_state:fail');
    await eventually('the cluster is down', isDown);
    const down = { code: 'redis-unreachable', message: expect.stringMatching(/: some slots have no server/) };
    await expect(connect(cluster.url, 'test')).rejects.toMatchObject(down);
  });
});

describe.skipIf(withTls === null)('with TLS', () => {
  test('Sentinels and their primary are verified', async () => {
    await using group = await startSentinelGroup(withTls ?? '', { passwords, certificates });
    const redis = await connect(group.url, 'test', { tls: tlsFilesOf(certificates) });
    expect(await redis.info('replication')).toContain('role:master');
    redis.disconnect();
    const other = connect(group.url, 'test', { tls: { ...tlsFilesOf(certificates), ca: certificates.otherCa } });
    await expect(other).rejects.toMatchObject({ code: 'redis-tls', message: expect.stringMatching(/other-ca.crt has not signed/) });
    const without = connect(group.url.replace('rediss', 'redis'), 'test');
    await expect(without).rejects.toMatchObject({
      code: 'redis-unreachable',
      message: expect.stringMatching(/no Sentinel answers: .*closed/),
    });
  });

  test('all servers of a cluster are verified', async () => {
    await using cluster = await startCluster(withTls ?? '', { certificates });
    const redis = await connect(cluster.url, 'test', { tls: tlsFilesOf(certificates) });
    for (const key of ['a', 'b', 'c', 'd']) expect(await redis.set(key, 'x')).toBe('OK');
    redis.disconnect();
    const other = connect(cluster.url, 'test', { tls: { ...tlsFilesOf(certificates), ca: certificates.otherCa } });
    await expect(other).rejects.toMatchObject({ code: 'redis-tls', message: expect.stringMatching(/other-ca.crt has not signed/) });
  });
});
