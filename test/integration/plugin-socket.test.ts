// The agent's socket for pytest: no message is lost, neither while pytest has to wait nor when it dies.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPluginSocket } from '../../agent/pytest/plugin-socket.ts';
import { pluginPath } from '../../shared/pytest/plugin-path.ts';
import { eventually } from '../support/eventually.ts';
import { testPython } from '../support/python.ts';

test('pytest waits while the agent has no room, and then every message arrives in order', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-socket-'));
  const path = join(directory, 's');
  const received: string[] = [];
  const room = Promise.withResolvers<void>();
  let isFull = true;
  const receive = (message: { kind: string; file?: string | null | undefined }): void => void received.push(message.file ?? message.kind);
  const pluginSocket = await openPluginSocket(
    path,
    receive,
    (problem) => received.push(String(problem)),
    () => (isFull ? room.promise : null),
  );
  const pytest = connect(path);
  await once(pytest, 'connect');
  const files = Array.from({ length: 20_000 }, (_, index) => `${'x'.repeat(100)}${index}`);
  pytest.write(`${JSON.stringify({ kind: 'hello', worker: 'gw0', pid: 1 })}\n`);
  for (const file of files) pytest.write(`${JSON.stringify({ kind: 'collecting', task: 1, file })}\n`);
  await eventually('something is received', () => received.length > 0);
  // The writer wrote far more than a socket buffers, so most of it waits on that side.
  await eventually('the writer waits', () => pytest.writableNeedDrain);
  expect(received.length).toBeLessThan(files.length / 2);
  isFull = false;
  room.resolve();
  await eventually('all is received', () => received.length === files.length + 1);
  expect(received).toEqual(['hello', ...files]);
  pytest.destroy();
  await pluginSocket.close();
  await rm(directory, { recursive: true });
});

test('the last messages of a process that died are received, also when a message to it fails first', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-socket-'));
  const path = join(directory, 's');
  const received: string[] = [];
  const pluginSocket = await openPluginSocket(
    path,
    (message) => void received.push('file' in message ? String(message.file) : message.kind),
    (problem) => received.push(String(problem)),
    () => null,
    (worker) => received.push(`gone: ${worker}`),
  );
  const dying = [
    'import os, sys',
    'from shardline_pytest.channel import Channel',
    'channel = Channel(sys.argv[1], "gw0")',
    'channel.receive()',
    'channel.send("collecting", task=1, file="last.py")',
    'os._exit(6)',
  ];
  const process = spawn(testPython(), ['-c', dying.join('\n'), path], { env: { PYTHONPATH: join(pluginPath(), 'lib') } });
  await eventually('the process has sent hello', () => received.includes('hello'));
  pluginSocket.send('gw0', { kind: 'none' });
  // The event loop stands still while the process sends its last message and dies.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  pluginSocket.send('gw0', { kind: 'none' });
  await once(process, 'exit');
  await eventually('the connection has ended', () => received.includes('gone: gw0'));
  expect(received).toEqual(['hello', 'last.py', 'gone: gw0']);
  await pluginSocket.close();
  await rm(directory, { recursive: true });
});
