// Connects to servers that are not Redis, or that lack the database of the URL. Each error names the cause.

import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connect } from '../../shared/redis/connect.ts';
import { isGivenUp } from '../../shared/redis/retry-while-unavailable.ts';
import { freePort, startTcpServer } from '../support/redis.ts';
import { newProject } from '../support/shardline.ts';

/** Starts a server that handles each connection with `serve`. */
async function serverThat(serve: (socket: Socket) => void): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((socket) => serve(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `redis://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

describe('connect', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['an HTTP server', (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'))],
    ['an SSH server', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')],
    ['a server that expects TLS', (socket) => socket.once('data', () => socket.end(Buffer.from('15030300020246', 'hex')))],
  ])('reports that %s is not Redis', async (_name, serve) => {
    await using server = await serverThat(serve);
    await expect(connect(server.url, 'test')).rejects.toMatchObject({
      code: 'not-redis',
      exitCode: 4,
      message: expect.not.stringContaining('RESP'),
    });
  });

  test('reports the time it actually waited', async () => {
    await using server = await serverThat((socket) => void setTimeout(() => socket.end(), 100));
    const refused = connect(server.url, 'test');
    const message = expect.stringMatching(/: \D+ \(after (?!0\.0)\d\.\d s\)\nFix: Start Redis/);
    await expect(refused).rejects.toMatchObject({ code: 'redis-unreachable', message });
  });

  test('leaves nothing behind that keeps the process from ending when it cannot connect', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    const before = timers();
    await expect(connect(`redis://127.0.0.1:${await freePort()}`, 'test')).rejects.toMatchObject({ code: 'redis-unreachable' });
    expect(timers()).toBe(before);
  });

  test('reopens a broken connection, and gives it up when it stays broken for too long', async () => {
    const port = await freePort();
    const first = await startTcpServer('--port', String(port));
    const patience = { patienceMs: 0, brokenMs: 3000, signal: new AbortController().signal };
    const redis = await connect(`redis://127.0.0.1:${port}`, 'test', patience);
    await first[Symbol.asyncDispose]();
    const waiting = redis.ping();
    const second = await startTcpServer('--port', String(port));
    expect(await waiting).toBe('PONG');
    await second[Symbol.asyncDispose]();
    await expect(redis.ping()).rejects.toSatisfy(isGivenUp);
    await expect(redis.ping()).rejects.toSatisfy(isGivenUp);
  });

  test('uses the database of the URL, and refuses one that the server does not have', async () => {
    await using server = await startTcpServer('--databases', '4');
    const redis = await connect(`${server.url}/3`, 'test');
    expect(await redis.client('INFO')).toContain(' db=3 ');
    redis.disconnect();
    for (const url of [`${server.url}/4`, `${server.url}?db=99`]) {
      await expect(connect(url, 'test')).rejects.toMatchObject({ code: 'redis-no-database', exitCode: 4 });
    }
  });
});

test('a run and its agent say how many agents the connections of a small server are enough for', async () => {
  await using server = await startTcpServer('--maxclients', '14');
  await using project = await newProject({ 'test_a.py': 'def test_a(): pass\n' });
  const run = await project.shardline(['run', '--redis', server.url, '--agents', '1', '-n', '1', '--verbose']);
  expect(run.all).not.toContain('maxclients');
  const crowd = await Promise.all(Array.from({ length: 10 }, () => connect(server.url, 'test')));
  const late = await project.shardline(['agent', '--redis', server.url, '--max-idle', '1s']);
  expect(late.all).toMatch(/11 of at most 14 connections in use \(maxclients\), which leaves room for 0 agents: /);
  const rest = await Promise.all(Array.from({ length: 4 }, () => connect(server.url, 'test')));
  await expect(connect(server.url, 'test')).rejects.toMatchObject({
    message: expect.stringMatching(/max number of clients|no connection left \(maxclients\)/),
  });
  for (const each of [...crowd, ...rest]) each.disconnect();
});
