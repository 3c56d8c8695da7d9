// Compares pytest's cache after runs of shardline, byte for byte, with the cache of plain pytest after the same history.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { testPython } from '../support/python.ts';
import { startTcpServer } from '../support/redis.ts';
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

/** Every file below the cache directory, without the time that `--sw` writes. */
async function cacheOf({ directory }: Project, place = '.pytest_cache'): Promise<Record<string, string> | null> {
  const root = join(directory, place);
  const names = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => null);
  if (names === null) return null;
  const found = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const withoutTime = (text: string) => text.replace(/("last_cache_date_str": )"\d{4}-\d\d-\d\dT[\d:.]+"/, '$1');
  const read = async (path: string) => [path.slice(root.length + 1), withoutTime(await readFile(path, 'utf8'))] as const;
  return Object.fromEntries(await Promise.all(found.sort().map(read)));
}

const plain = ({ directory }: Project, args: readonly string[]) =>
  execa(testPython(), ['-m', 'pytest', '-q', '--continue-on-collection-errors', ...args], { cwd: directory, reject: false, all: true });

test('writes the same cache as plain pytest: failures, fixes, subsets, a file that fails to collect, a deleted file', {
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

test('honours cache_dir, and writes no cache with -p no:cacheprovider', { timeout: 300_000 }, async () => {
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

test("keeps a suite's own values in config.cache; an unwritable cache is one message and no failure", {
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

const numbered = Object.fromEntries(
  [0, 1, 2, 3].map((index) => [
    `test_${index}.py`,
    `import pytest\n@pytest.mark.parametrize("n", range(4))\ndef test_n(n): assert (${index}, n) not in ((1, 1), (3, 0))\n`,
  ]),
);

test('--lf, --ff, --nf, --sw and --cache-clear work as in plain pytest, also on an agent in another workspace', {
  timeout: 600_000,
}, async () => {
  await using ours = await newProject(numbered);
  await using elsewhere = await newProject(numbered);
  await using theirs = await newProject(numbered);
  await using server = await startTcpServer();
  const redis = ['--redis', server.url, '--pool', 'cache'];
  const step = async (args: readonly string[], exitCode: number, ran: number) => {
    const sharded = await ours.shardline(['run', ...redis, '--out', 'out', '--', ...args]);
    const expected = await plain(theirs, args);
    expect([sharded.exitCode, expected.exitCode], `${args.join(' ')}\n${sharded.all}\n${expected.all}`).toEqual([exitCode, exitCode]);
    expect(
      (await ours.report()).tests.map(({ nodeid }) => nodeid),
      sharded.all,
    ).toHaveLength(ran);
    expect(await cacheOf(ours), args.join(' ')).toEqual(await cacheOf(theirs));
    expect(await cacheOf(elsewhere)).toBeNull();
  };
  const serving = elsewhere.shardline(['agent', ...redis, '-n', '2']);
  try {
    await step([], 1, 16);
    await step(['--lf'], 1, 2);
    await step(['--ff'], 1, 16);
    await step(['--nf'], 1, 16);
    await step(['--sw'], 2, 6);
    await step(['--sw'], 2, 1);
    await step(['--sw-skip', '--maxfail=5'], 2, 8);
    await step(['--sw'], 2, 1);
    await step(['--cache-clear', '--lf', 'test_2.py'], 0, 4);
  } finally {
    serving.kill('SIGTERM');
    await serving;
  }
});
