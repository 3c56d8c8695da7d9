// Connects to a real Redis with TLS: which servers and which clients are accepted, and what the errors say.

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../shared/redis/connect.ts';
import type { TlsFiles } from '../../shared/settings/settings.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { serverProgram, startProgram, startTcpServer, type TcpRedis } from '../support/redis.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

const program = serverProgram('redis-7');

describe.skipIf(program === null)('a Redis with TLS', () => {
  let certificates: Certificates;
  let server: TcpRedis;
  let url: string;

  beforeAll(async () => {
    certificates = await makeCertificates();
    const { ca, server: own } = certificates;
    const tls = ['--tls-ca-cert-file', ca, '--tls-cert-file', own.cert, '--tls-key-file', own.key];
    server = await startProgram(program ?? '', ...tls, '--tls-auth-clients', 'yes');
    url = server.url.replace('redis:', 'rediss:');
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await certificates?.[Symbol.asyncDispose]();
  });

  const files = (): TlsFiles => ({ ca: certificates.ca, cert: certificates.client.cert, key: certificates.client.key });

  test('accepts a client with a certificate of its CA', async () => {
    const redis = await connect(url, 'test', { tls: files() });
    const again = redis.duplicate();
    expect(await Promise.all([redis.ping(), again.ping()])).toEqual(['PONG', 'PONG']);
    again.disconnect();
    redis.disconnect();
  });

  test.each<[string, (all: Certificates) => TlsFiles, RegExp]>([
    [
      'a server whose CA this machine does not know',
      ({ client }) => ({ ca: null, ...client }),
      /no CA of this machine has signed.*\nFix: .*--redis-ca/,
    ],
    [
      'a server of another CA',
      ({ otherCa, client }) => ({ ca: otherCa, ...client }),
      /other-ca.crt has not signed its certificate\nFix: .*--redis-ca/,
    ],
  ])('refuses %s', async (_, tls, message) => {
    const error = { code: 'redis-tls', exitCode: 4, message: expect.stringMatching(message) };
    await expect(connect(url, 'test', { tls: tls(certificates) })).rejects.toMatchObject(error);
  });

  // The alert of the server is lost if the connection closes before it is read.
  test.each<[string, (all: Certificates) => TlsFiles, RegExp]>([
    [
      'requires',
      ({ ca }) => ({ ca, cert: null, key: null }),
      /\(certificate required\)\nFix: .*--redis-cert FILE|may require a client certificate \(--redis-cert/,
    ],
    [
      'does not trust',
      ({ ca, stranger }) => ({ ca, ...stranger }),
      /\(unknown ca\)\nFix: Check .*stranger.crt|may not trust .*stranger.crt/,
    ],
  ])('says that the server %s a client certificate', async (_, tls, message) => {
    await expect(connect(url, 'test', { tls: tls(certificates) })).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(message),
    });
  });

  test('refuses a certificate for another host', async () => {
    await expect(connect(url.replace('127.0.0.1', 'localhost'), 'test', { tls: files() })).rejects.toMatchObject({
      code: 'redis-tls',
      message: expect.stringMatching(/localhost.*\nFix: Write a host name in the URL that the certificate/s),
    });
  });

  test('says that a port has no TLS', async () => {
    await using plain = await startTcpServer();
    const error = { code: 'redis-unreachable', message: expect.stringMatching(/no answer; it may not speak TLS on this port/) };
    await expect(connect(plain.url.replace('redis:', 'rediss:'), 'test', { tls: files() })).rejects.toMatchObject(error);
  });

  test('explains files that cannot be used', async () => {
    const { directory, ca, client, server: other } = certificates;
    const encrypted = join(directory, 'encrypted.key');
    await writeFile(encrypted, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n');
    const damaged = join(directory, 'damaged.crt');
    await writeFile(damaged, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    const cases: [Parameters<typeof connect>[2], RegExp][] = [
      [
        { tls: { ca: join(directory, 'none'), cert: null, key: null } },
        /^Could not use --redis-ca .*none: no such file or directory\nFix: /,
      ],
      [{ tls: { ca: directory, cert: null, key: null } }, /^Could not use --redis-ca .*: it is a directory\nFix: /],
      [{ tls: { ca: damaged, cert: null, key: null } }, /^Could not use --redis-ca .*: a certificate in it is damaged\nFix: /],
      [{ tls: { ca: client.key, cert: null, key: null } }, /^Could not use --redis-ca .*client.key: it holds no certificate\nFix: /],
      [{ tls: { ca, cert: client.cert, key: client.cert } }, /^Could not use --redis-key .*: it holds no private key\nFix: /],
      [
        { tls: { ca, cert: client.cert, key: encrypted } },
        /^Could not use --redis-key .*: it is encrypted with a passphrase\nFix: Decrypt/,
      ],
      [
        { tls: { ca, cert: client.cert, key: other.key } },
        /^Could not use --redis-key .*server.key: it is not the key of .*client.crt\nFix: /,
      ],
    ];
    for (const [options, message] of cases) {
      await expect(connect(url, 'test', options)).rejects.toMatchObject({
        code: 'bad-tls-file',
        exitCode: 4,
        message: expect.stringMatching(message),
      });
    }
  });

  test('serves every command, and the agents that a run starts', async () => {
    await using project = await newProject({
      'test_a.py': 'def test_a(): pass\n',
      'pyproject.toml': '[tool.shardline]\nredis-ca = "ca.crt"\n',
    });
    await chmod(certificates.client.key, 0o600);
    const env = { SHARDLINE_REDIS_URL: url, SHARDLINE_REDIS_CERT: certificates.client.cert };
    const key = ['--redis-key', certificates.client.key];
    const wrong = await project.shardline(['status', ...key], env);
    expect([wrong.exitCode, wrong.all]).toEqual([4, expect.stringMatching(/--redis-ca .*ca\.crt: .*\nFix: /)]);
    const all = [...key, '--redis-ca', certificates.ca];
    const run = await project.shardline(['run', ...all, '--agents', '1', '-n', '1', '--out', 'out'], env);
    expect([run.exitCode, run.all]).toEqual([0, expect.not.stringContaining('PRIVATE')]);
    expect(outcomesOf(await project.report())).toEqual({ 'test_a.py::test_a': 'passed' });
    expect((await project.shardline(['status', ...all], env)).exitCode).toBe(0);
    expect((await project.shardline(['doctor', ...all], env)).all).toMatch(/rediss:\/\/127\.0\.0\.1:\d+ answers in/);
    expect((await project.shardline(['cancel', 'r1', ...all], env)).all).toMatch(/no open run/i);
    const ci = await project.shardline(['ci', ...all, '--run-id', 'tls', '-n', '1'], env);
    expect(ci.exitCode, ci.all).toBe(0);
    const agent = await project.shardline(['agent', ...all, '--max-idle', '1s'], env);
    expect(agent.all).toMatch(/Redis at rediss:/);
    const serving = project.shardline(['serve', ...all, '--port', '0'], env);
    serving.stdout.once('data', () => serving.kill('SIGTERM'));
    expect((await serving).stdout).toMatch(/^http:/);
  });
});
