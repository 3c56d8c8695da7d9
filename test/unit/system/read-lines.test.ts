import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLines } from '../../../shared/system/files/read-lines.ts';
import { collect } from '../../support/recorded-events.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shardline-test-lines-'));
});
afterAll(() => rm(directory, { recursive: true }));

test('yields every line that is complete, however long the chunks are in which it is read', async () => {
  const path = join(directory, 'lines');
  const lines = ['', 'a', 'ü'.repeat(100_000), 'last'];
  await writeFile(path, `${lines.join('\n')}\ncut off`);
  expect(await collect(readLines(path))).toEqual(lines);
});

test('refuses a line that is too long before it has read all of it', async () => {
  const path = join(directory, 'long');
  await writeFile(path, `short\n${'x'.repeat(300_000)}\n`);
  await expect(collect(readLines(path, 200_000))).rejects.toThrow(`a line of ${path} has more than 200,000 bytes`);
});
