// The agent's socket for pytest: who is not heard for a while waits, and loses nothing.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openInbox } from '../../agent/pytest/plugin-socket.ts';
import { eventually } from '../support/eventually.ts';

test('while there is no room pytest has to wait, and afterwards all is heard in order', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-inbox-'));
  const path = join(directory, 's');
  const heard: string[] = [];
  const room = Promise.withResolvers<void>();
  let isFull = true;
  const hear = (message: { kind: string; file?: string | undefined }): void => void heard.push(message.file ?? message.kind);
  const inbox = await openInbox(
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
  // Far more was written than a socket holds: most of it waits on the other side.
  await eventually('the writer waits', () => pytest.writableNeedDrain);
  expect(heard.length).toBeLessThan(files.length / 2);
  isFull = false;
  room.resolve();
  await eventually('all is heard', () => heard.length === files.length + 1);
  expect(heard).toEqual(['hello', ...files]);
  pytest.destroy();
  await inbox.close();
  await rm(directory, { recursive: true });
});
