import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CacheSource, cacheToShip } from '../../coordinator/commands/preparation/ship-cache.ts';
import type { FoundCache } from '../../shared/domain/suite/pytest-cache.ts';
import { newProject } from '../support/shardline.ts';

const never = new Promise<FoundCache>(() => undefined);

test('sends the cache if an option from any source reads it, and waits for discovery only then', async () => {
  await using project = await newProject({
    'plain/pytest.ini': '[pytest]\naddopts = -q\n',
    'project/pyproject.toml': '[tool.pytest.ini_options]\naddopts = "--ff"\n',
    'cache/v/cache/lastfailed': '{"a.py::x": true}',
    'cache/v/cache/nodeids': '["a.py::x", "a.py::y"]',
    'cache/v/cache/stepwise': '[]',
  });
  const { directory } = project;
  await mkdir(join(directory, 'project/tests'));
  const warned: string[] = [];
  const source = (workspace: string, changes: Partial<CacheSource> = {}): CacheSource => ({
    workspace: join(directory, workspace),
    pytestArgs: ['tests'],
    addopts: '',
    warn: (line) => void warned.push(line),
    ...changes,
  });
  const found = (isUsed: boolean): Promise<FoundCache> => Promise.resolve({ directory: join(directory, 'cache'), isUsed, stepwise: null });
  const values = { lastfailed: ['a.py::x'], nodeids: ['a.py::x', 'a.py::y'], stepwise: null };

  expect(await cacheToShip(source('plain'), never)).toBeNull();
  expect(await cacheToShip(source('plain', { pytestArgs: ['--lf'] }), found(true))).toEqual(values);
  expect(await cacheToShip(source('plain', { addopts: '-x --nf' }), found(true))).toEqual(values);
  expect(await cacheToShip(source('project/tests'), found(true))).toEqual(values);
  // The option may only appear in a comment, and discovery may fail.
  expect(await cacheToShip(source('project/tests'), found(false))).toBeNull();
  expect(await cacheToShip(source('project/tests'), Promise.resolve(null))).toBeNull();
  expect(await cacheToShip(source('project/tests'), Promise.reject(new Error('no pytest')))).toBeNull();
  expect(warned).toEqual([]);
});

test('warns about a cache that is too large to send', async () => {
  const nodeids = Array.from({ length: 100 }, (_, index) => `a.py::${index}${'x'.repeat(100_000)}`);
  await using project = await newProject({ 'v/cache/nodeids': JSON.stringify(nodeids) });
  const warned: string[] = [];
  const { directory } = project;
  const source = { workspace: directory, pytestArgs: ['--nf'], addopts: '', warn: (line: string) => void warned.push(line) };
  expect(await cacheToShip(source, Promise.resolve({ directory, isUsed: true, stepwise: null }))).toBeNull();
  expect(warned).toEqual([expect.stringMatching(/ is too large to send to agents; each agent uses its own$/)]);
});
