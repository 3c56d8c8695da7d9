// Finds the runs of a workspace.

import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { runFolders, runsOf } from '../../../shared/system/run-place.ts';

test('sorts runs by time, whatever their names, and leaves out folders that are no runs', async () => {
  const workspace = await mkdtemp(join(tmpdir(), 'shardline-test-runs-'));
  try {
    const write = async (name: string, file: string, at: number): Promise<void> => {
      const path = join(runsOf(workspace), name, file);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, '');
      await utimes(path, at, at);
    };
    await write('20260101-000000-aaaa', 'events.ndjson', 1000);
    await write('ci-0a1b2c-1', 'events.ndjson', 2000);
    // Converted again later: the events tell when the run was.
    await write('ci-0a1b2c-1', 'report.json', 9000);
    await write('20260103-000000-bbbb', 'report.json', 3000);
    await write('notes', 'text.txt', 4000);
    const names = (await runFolders(workspace)).map((path) => basename(path));
    expect(names).toEqual(['20260103-000000-bbbb', 'ci-0a1b2c-1', '20260101-000000-aaaa']);
    expect(await runFolders(join(workspace, 'missing'))).toEqual([]);
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
});
