// The agent's socket for pytest: a writer waits while the agent has no room, and loses no message.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPluginSocket } from '../../agent/pytest/plugin-socket.ts';
import { eventually } from '../support/eventually.ts';

test('pytest waits while the agent has no room, and then every message arrives in order', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-socket-'));
  const path = join(directory, 's');
  const heard: string[] = [];
  const room = Promise.withResolvers<void>();
  let isFull = true;
  const hear = (message: { kind: string; file?: string | undefined }): void => void heard.push(message.file ?? message.kind);
  const pluginSocket = await openPluginSocket(
    path,
    hear,
    (problem) => heard.push(String(problem)),
    () => (isFull ? room.promise : null),
  );
  const pytest = connect(path);
  await once(pytest, 'connect');
  const files = Array.from({ length: 20_000 }, (_, index) => `${'x'.repeat(100)}${index}`);
  pytest.write(`${JSON.stringify({ kind: 'hello', worker: 'gw0', pid: 1 })}\n`);
  for (const file of files) pytest.write(`${JSON.stringify({ kind: 'collecting', task: 1, file })}\n`);
  await eventually('something is heard', () => heard.length > 0);
  // The writer wrote far more than a socket buffers, so most of it waits on that side.
  await eventually('the writer waits', () => pytest.writableNeedDrain);
  expect(heard.length).toBeLessThan(files.length / 2);
  isFull = false;
  room.resolve();
  await eventually('all is heard', () => heard.length === files.length + 1);
  expect(heard).toEqual(['hello', ...files]);
  pytest.destroy();
  await pluginSocket.close();
  await rm(directory, { recursive: true });
});
