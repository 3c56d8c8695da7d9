// Reads changed files from git, in a real repository.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { changedFiles } from '../../coordinator/discovery/changed-files.ts';

const never = new AbortController().signal;

test('lists files that differ from a branch relative to the rootdir, and never passes a ref as an option', async () => {
  const repository = await mkdtemp(join(tmpdir(), 'shardline-test-git-'));
  try {
    const rootdir = join(repository, 'pkg');
    await mkdir(rootdir);
    const git = (...args: string[]) =>
      execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.invalid', ...args], {
        cwd: repository,
        env: { GIT_CONFIG_GLOBAL: '/dev/null' },
      });
    await git('init', '--quiet', '--initial-branch', 'main');
    for (const name of ['pkg/test_same.py', 'pkg/test_committed.py', 'pkg/test_dirty.py', 'elsewhere.py'])
      await writeFile(join(repository, name), '1');
    await git('add', '.');
    await git('commit', '--quiet', '-m', 'base');
    await git('switch', '--quiet', '-c', 'work');
    for (const name of ['pkg/test_committed.py', 'elsewhere.py']) await writeFile(join(repository, name), '2');
    await git('commit', '--quiet', '-a', '-m', 'change');
    for (const name of ['pkg/test_dirty.py', 'pkg/test_é new.py']) await writeFile(join(repository, name), '3');
    expect(await changedFiles(rootdir, 'main', never)).toEqual(new Set(['test_committed.py', 'test_dirty.py', 'test_é new.py']));
    await expect(changedFiles(rootdir, '--output=x', never)).rejects.toThrow(/Could not compare with --changed-since --output=x: /);
    await expect(changedFiles(rootdir, 'nowhere', never)).rejects.toThrow(/nowhere/);
  } finally {
    await rm(repository, { recursive: true });
  }
});
