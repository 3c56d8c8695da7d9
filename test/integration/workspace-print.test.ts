// Fingerprints of real workspaces: from git if it knows them, from contents otherwise.

import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { compareFiles } from '../../shared/domain/suite/fingerprint.ts';
import { contentsPrint } from '../../shared/system/contents-print.ts';
import { printBeside, printWorkspace } from '../../shared/system/workspace-print.ts';
import { newProject } from '../support/shardline.ts';

const git = (cwd: string, ...args: readonly string[]) =>
  execa('git', ['-c', 'user.name=Tester', '-c', 'user.email=tester@example.org', ...args], { cwd });

/** A repository and a clone of it. */
async function twoClones() {
  const project = await newProject({ 'one/test_a.py': 'def test_x(): pass\n', 'one/data.txt': 'a\n', 'one/.gitignore': 'ignored.py\n' });
  const [one, two] = ['one', 'two'].map((name) => join(project.directory, name)) as [string, string];
  await git(one, 'init', '--quiet');
  await git(one, 'add', '--all');
  await git(one, 'commit', '--quiet', '--message', 'first');
  await git(project.directory, 'clone', '--quiet', 'one', 'two');
  return { one, two, [Symbol.asyncDispose]: () => project[Symbol.asyncDispose]() };
}

async function refused(one: string, two: string): Promise<readonly string[]> {
  const run = await printWorkspace(one, true);
  return compareFiles(run, await printBeside(two, run)).refused;
}

test('two clones at one commit have the same fingerprint despite ignored files, non-Python files and new mtimes', async () => {
  await using clones = await twoClones();
  const { one, two } = clones;
  await writeFile(join(two, 'ignored.py'), 'x = 1\n');
  await writeFile(join(two, 'notes.txt'), 'x\n');
  await utimes(join(two, 'test_a.py'), 1, 1);
  expect(await refused(one, two)).toEqual([]);
});

test('a Python environment that git does not ignore is no difference', async () => {
  await using clones = await twoClones();
  await mkdir(join(clones.two, 'env', 'lib'), { recursive: true });
  await writeFile(join(clones.two, 'env', 'pyvenv.cfg'), 'home = /usr/bin\n');
  await writeFile(join(clones.two, 'env', 'lib', 'site.py'), 'x = 1\n');
  expect(await refused(clones.one, clones.two)).toEqual([]);
  await writeFile(join(clones.two, 'environment.py'), 'x = 1\n');
  expect(await refused(clones.one, clones.two)).toEqual([expect.stringMatching(/^uncommitted changes in 1 file/)]);
});

test.each([
  ['a changed file', (two: string) => writeFile(join(two, 'data.txt'), 'b\n')],
  ['a file that is gone', (two: string) => rm(join(two, 'data.txt'))],
  ['an untracked Python file', (two: string) => writeFile(join(two, 'conftest.py'), '')],
  ['an untracked configuration file', (two: string) => writeFile(join(two, 'pytest.ini'), '[pytest]\n')],
  [
    'a staged file',
    async (two: string) => {
      await writeFile(join(two, 'new.txt'), 'n\n');
      await git(two, 'add', 'new.txt');
    },
  ],
])('a clone with %s differs', async (_what, change) => {
  await using clones = await twoClones();
  await change(clones.two);
  expect(await refused(clones.one, clones.two)).toEqual([expect.stringMatching(/^uncommitted changes in 1 file/)]);
});

test('the same change in both clones is no difference, but different changes to a file are', async () => {
  await using clones = await twoClones();
  const { one, two } = clones;
  for (const clone of [one, two]) await writeFile(join(clone, 'test_b.py'), 'def test_y(): pass\n');
  expect(await refused(one, two)).toEqual([]);
  await writeFile(join(two, 'test_b.py'), 'def test_y(): assert 0\n');
  expect(await refused(one, two)).toHaveLength(1);
});

test('another directory of a clone differs, and a directory always equals itself', async () => {
  await using clones = await twoClones();
  const { one, two } = clones;
  await mkdir(join(two, 'sub'));
  await writeFile(join(two, 'sub', 'kept.txt'), '');
  expect(await refused(one, join(two, 'sub'))).toEqual(['another directory of the repository (sub/; the run has .)']);
  const run = await printWorkspace(one, false);
  await writeFile(join(one, 'test_new.py'), '');
  expect(compareFiles(run, await printBeside(one, run)).refused).toEqual([]);
});

test('compares contents when one side has no git', async () => {
  await using clones = await twoClones();
  const { one, two } = clones;
  await rm(join(two, '.git'), { recursive: true });
  expect(await refused(one, two)).toEqual([]);
  expect(await refused(two, one)).toEqual([]);
  await writeFile(join(two, 'test_a.py'), 'def test_x(): assert 0\n');
  expect(await refused(one, two)).toEqual([expect.stringContaining('other Python or configuration files')]);
});

test('fingerprints of contents skip environments, caches and hidden directories, and are null for a large tree', async () => {
  await using project = await newProject({
    'a/test_a.py': 'x\n',
    'b/test_a.py': 'x\n',
    'b/venv/pyvenv.cfg': '',
    'b/env/pyvenv.cfg': '',
    'b/env/lib/m.py': '',
    'b/.cache/m.py': '',
    'b/node_modules/m.py': '',
  });
  const [a, b] = ['a', 'b'].map((name) => join(project.directory, name)) as [string, string];
  expect(await contentsPrint(a)).toMatch(/^[0-9a-f]{12}$/);
  expect(await contentsPrint(b)).toBe(await contentsPrint(a));
  expect(await contentsPrint(a, { files: 0, bytes: 100, ms: 1000 })).toBeNull();
  expect(await contentsPrint(a, { files: 10, bytes: 1, ms: 1000 })).toBeNull();
});
