// What any web page, or anyone who reaches its port, can do to the dashboard.

import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { isTooFarBehind, serveDashboard } from '../../coordinator/web/dashboard-server.ts';

const open = () => serveDashboard({ host: '127.0.0.1', port: 0, token: 'secret' }, { runs: () => [], pool: () => null });
const portOf = (url: string): number => Number(new URL(url).port);

/** The status of the answer to these bytes; `null` if the connection closes without one. */
function statusOf(port: number, bytes: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', reject).on('close', () => resolve(answer === '' ? null : Number(answer.split(' ')[1])));
  });
}

test('answers requests for impossible addresses, checks Host and token all the same, and goes on', async () => {
  await using dashboard = await open();
  const port = portOf(dashboard.url);
  const ask = (target: string, host = `127.0.0.1:${port}`) =>
    statusOf(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  expect(await ask('//')).toBe(401);
  expect(await ask('//', 'evil.example')).toBe(403);
  for (const target of ['http://[', '*', '//@:99999', '/%zz', '/events', '/..//?token=%zz'])
    expect([400, 401]).toContain(await ask(target));
  expect(await statusOf(port, 'nonsense\r\n\r\n')).toBe(400);
  expect(await ask('/?token=secret')).toBe(200);
});

test('sends updates to a few browsers of one address, and refuses more', async () => {
  await using dashboard = await open();
  const port = portOf(dashboard.url);
  const sockets: Socket[] = [];
  try {
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const socket = connect(port, '127.0.0.1');
        sockets.push(socket);
        socket.write(`GET /events?token=secret HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
        return await new Promise<string>((resolve, reject) => {
          // Reads the head of the answer, and then never again.
          socket.once('data', (data) => {
            socket.pause();
            resolve(data.toString().split(' ')[1] ?? '');
          });
          socket.once('error', reject);
        });
      }),
    );
    expect([statuses.filter((status) => status === '200').length, statuses.filter((status) => status === '503').length]).toEqual([8, 52]);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test('disconnects the browser that is furthest behind when all of them together hold too much memory', () => {
  const megabyte = 2 ** 20;
  const honest = Array.from({ length: 10 }, () => megabyte);
  expect(isTooFarBehind(65 * megabyte, [65 * megabyte])).toBe(true);
  expect(isTooFarBehind(63 * megabyte, [...honest, 63 * megabyte])).toBe(false);
  const full = [...honest, ...[60, 61, 62, 63].map((each) => each * megabyte), 50 * megabyte];
  expect(full.map((each) => isTooFarBehind(each, full)).filter(Boolean)).toHaveLength(1);
  expect(isTooFarBehind(63 * megabyte, full)).toBe(true);
});
