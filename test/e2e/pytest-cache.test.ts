// pytest's cache after runs of shardline, byte for byte beside what plain pytest leaves after the same history.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { testPython } from '../support/python.ts';
import { newProject, type Project } from '../support/shardline.ts';

const files = {
  'pytest.ini': '[pytest]\naddopts = -p no:randomly\n',
  'test_a.py': `
import pytest
def test_fine(): pass
def test_bad(): assert 0
class TestC:
    def test_é(self): assert 0
@pytest.mark.parametrize("name", ["b::c", "d"])
def test_named(name): assert name == "d"
@pytest.mark.skip
def test_skipped(): pass
`,
  'test_broken.py': 'import nothing_of_that_name\n',
  'test_whole.py': 'import pytest\npytest.skip("not here", allow_module_level=True)\n',
  'sub/test_z.py': 'def test_z(): assert 0\ndef test_setup(missing): pass\n',
};

/** Every file below the cache directory; what the clock writes into it is the same everywhere. */
async function cacheOf({ directory }: Project, place = '.pytest_cache'): Promise<Record<string, string> | null> {
  const root = join(directory, place);
  const names = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => null);
  if (names === null) return null;
  const found = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = async (path: string) => [path.slice(root.length + 1), await readFile(path, 'utf8')] as const;
  return Object.fromEntries(await Promise.all(found.sort().map(read)));
}

const plain = ({ directory }: Project, args: readonly string[]) =>
  execa(testPython(), ['-m', 'pytest', '-q', '--continue-on-collection-errors', ...args], { cwd: directory, reject: false, all: true });

test('leaves the cache as plain pytest does: failures, fixes, subsets, a file that fails to collect and one that is gone', {
  timeout: 300_000,
}, async () => {
  await using ours = await newProject(files);
  await using theirs = await newProject(files);
  const both = [ours, theirs];
  const step = async (args: readonly string[], exitCode: number) => {
    const sharded = await ours.shardline(['run', '-n', '1', '--quiet', '--', ...args]);
    const expected = await plain(theirs, args);
    expect([sharded.exitCode, expected.exitCode], `${args.join(' ')}\n${sharded.all}\n${expected.all}`).toEqual([exitCode, exitCode]);
    expect(await cacheOf(ours), args.join(' ')).toEqual(await cacheOf(theirs));
  };
  const edit = (name: string, text: string) => Promise.all(both.map(({ directory }) => writeFile(join(directory, name), text)));

  await step([], 1);
  expect(JSON.parse(await ours.read('.pytest_cache/v/cache/lastfailed'))).toHaveProperty(['test_broken.py'], true);
  await edit('sub/test_z.py', 'def test_z(): pass\ndef test_setup(missing): pass\n');
  await edit('test_broken.py', 'class TestD:\n    def test_x(self): assert 0\n    def test_y(self): pass\ndef test_w(): assert 0\n');
  await step(['sub', 'test_broken.py', '--deselect', 'sub/test_z.py::test_setup'], 1);
  await step(['-k', 'bad or named', '-x', 'test_a.py'], 1);
  await edit('test_a.py', 'def test_bad(): pass\n');
  await Promise.all(both.map(({ directory }) => rm(join(directory, 'test_broken.py'))));
  await edit('sub/test_z.py', 'def test_setup(): pass\n');
  await step([], 0);
  await step(['-k', 'nothing_of_that_name', 'test_a.py'], 5);
});

test('honours cache_dir, and leaves none with -p no:cacheprovider', { timeout: 300_000 }, async () => {
  await using ours = await newProject({ 'test_a.py': 'def test_bad(): assert 0\n' });
  await using theirs = await newProject({ 'test_a.py': 'def test_bad(): assert 0\n' });
  const args = ['-o', 'cache_dir=build/cache'];
  await Promise.all([ours.shardline(['run', '-n', '1', '--quiet', '--', ...args]), plain(theirs, args)]);
  const expected = await cacheOf(theirs, 'build/cache');
  expect(expected).not.toBeNull();
  expect(await cacheOf(ours, 'build/cache')).toEqual(expected);
  await ours.shardline(['run', '-n', '1', '--quiet', '--', '-p', 'no:cacheprovider']);
  expect(await cacheOf(ours)).toBeNull();
});

test("a suite's own values stay in config.cache; a cache that cannot be written costs a line, not the run", {
  timeout: 300_000,
}, async () => {
  await using project = await newProject({
    'test_a.py': 'def test_kept(cache):\n    cache.set("own/value", cache.get("own/value", 0) + 1)\n',
  });
  expect((await project.shardline(['run', '-n', '1', '--quiet'])).exitCode).toBe(0);
  expect((await project.shardline(['run', '-n', '1', '--quiet'])).exitCode).toBe(0);
  expect(await project.read('.pytest_cache/v/own/value')).toBe('2');

  await rm(join(project.directory, '.pytest_cache'), { recursive: true });
  await writeFile(join(project.directory, '.pytest_cache'), 'a file in its place');
  const result = await project.shardline(['run', '-n', '1', '--quiet']);
  expect(result.exitCode, result.all).toBe(0);
  expect(result.stderr).toMatch(/^shardline: could not write pytest's cache in .*\.pytest_cache/m);
});
