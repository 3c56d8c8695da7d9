// The finished runs of a workspace: listed, shown without an id, and removed.

import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newProject } from '../support/shardline.ts';

test('runs lists them, report shows the newest, clean removes the old ones', { timeout: 180_000 }, async () => {
  await using project = await newProject({ 'test_a.py': 'def test_a(): pass\n' });
  for (const command of ['runs', 'report']) {
    const { exitCode, all } = await project.shardline([command]);
    expect(exitCode).toBe(4);
    expect(all).toContain(`There is no finished run in ${join(project.directory, '.shardline', 'runs')}.\n`);
  }

  await project.shardline(['run', '-n', '1']);
  await writeFile(join(project.directory, 'test_a.py'), 'def test_a(): assert 1 == 2\n');
  expect((await project.shardline(['run', '-n', '1'])).exitCode).toBe(1);
  const killed = join(project.directory, '.shardline', 'runs', '20260102-030405-dead');
  await mkdir(killed);
  await writeFile(join(killed, 'events.ndjson'), '');
  await utimes(join(killed, 'events.ndjson'), 1000, 1000);
  await mkdir(join(project.directory, '.shardline', 'runs', '0-mine'));
  const begun = join(project.directory, '.shardline', 'runs', '20260102-030405-left');
  await mkdir(begun);
  await utimes(begun, new Date(2026, 1), new Date(2026, 1));

  const listed = await project.shardline(['runs', '--last', '3']);
  expect(listed.exitCode).toBe(0);
  const [newest, second, third] = listed.stdout.split('\n');
  expect(newest).toMatch(/^\S+ {2}failed: 1 failed in \d+\.\d s; exit 1$/);
  expect(second).toMatch(/^\S+ {2}passed: 1 passed in \d+\.\d s; exit 0$/);
  expect(third).toBe('20260102-030405-dead  ended without a report');
  expect((await project.shardline(['runs', '--last', '1'])).stdout).toBe(`${newest}\nand 2 older runs: \`shardline runs --last 3\``);

  const shown = await project.shardline(['report']);
  expect(shown.exitCode).toBe(1);
  expect(shown.all).toContain('FAILED test_a.py::test_a - assert 1 == 2');

  const cleaned = await project.shardline(['clean', '--keep', '1']);
  expect(cleaned.stdout).toBe('Removed 2 runs and 1 empty directory, kept 1.');
  const left = await project.shardline(['runs']);
  expect(left.stdout).toBe(newest);
  expect(project.holds('.shardline/runs/0-mine')).toBe(true);
});

test('a run that cannot start leaves no directory, and keeps one that was there', { timeout: 60_000 }, async () => {
  await using project = await newProject({ 'test_a.py': 'def test_a(): pass\n' });
  for (const args of [
    ['nowhere'],
    ['--redis', 'redis://127.0.0.1:1'],
    ['--resume', 'r1', '--redis', 'redis://127.0.0.1:1', '--redis-wait', '1s'],
  ]) {
    const { exitCode, all } = await project.shardline(['run', '-n', '1', ...args]);
    expect(exitCode, all).toBe(4);
  }
  expect(await readdir(join(project.directory, '.shardline', 'runs'))).toEqual([]);
  await mkdir(join(project.directory, 'mine'));
  expect((await project.shardline(['run', '-n', '1', 'nowhere', '--out', 'mine'])).exitCode).toBe(4);
  expect(project.holds('mine')).toBe(true);
});
