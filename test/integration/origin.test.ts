// Where a run comes from, found in a real repository.

import { execa } from 'execa';
import { expect, test } from 'vitest';
import { ciJob } from '../../coordinator/ci/job.ts';
import { originOf } from '../../coordinator/commands/preparation/origin-of.ts';
import { gitSource } from '../../shared/system/git-source.ts';
import { newProject } from '../support/shardline.ts';

test('names the directory of the repository, the branch, and the command without the password of Redis', async () => {
  await using project = await newProject({ 'shop/tests/test_a.py': 'def test_a(): pass\n' });
  const workspace = `${project.directory}/shop`;
  const url = 'redis://ci:s3cret@redis.example:6379';
  const argv = ['run', 'tests', '--redis', url, `--redis=${url}`, '--', '-k', 'a b'];
  expect(await originOf(workspace, { argv, env: {} })).toEqual({
    project: 'shop',
    branch: null,
    command: "shardline run tests --redis redis://ci@redis.example:6379 --redis=redis://ci@redis.example:6379 -- -k 'a b'",
    job: null,
  });
  const git = (...args: string[]) => execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: workspace });
  await git('init', '--quiet', '--initial-branch', 'totals', '.');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'first');
  expect(await originOf(`${workspace}/tests`, { argv: ['run'], env: {} })).toMatchObject({ project: 'shop', branch: 'totals' });
  await git('checkout', '--quiet', '--detach');
  expect(await originOf(workspace, { argv: ['run'], env: {} })).toMatchObject({ branch: null });
  const env = { GITHUB_ACTIONS: 'true', GITHUB_REF: 'refs/heads/main', GITHUB_REPOSITORY: 'acme/store' };
  expect(await originOf(workspace, { argv: ['run'], env })).toMatchObject({ project: 'store', branch: 'main' });
});

test.each([
  [['--redis', 'REDIS://u:s3cret@redis.example:6379'], '--redis redis://u@redis.example:6379'],
  [['--redis=s3cret'], "'--redis=(not a URL)'"],
  [['--', '--db-url=postgres://u:s3cret@db.example/x'], '-- --db-url=postgres://db.example/x'],
  [['--', 'https://s3cret@index.example/simple?x=a@b'], "-- 'https://index.example/simple?x=a@b'"],
  [['tests/a@b.py'], 'tests/a@b.py'],
])('a command keeps no password: %j', async (argv, shown) => {
  expect((await originOf(process.cwd(), { argv, env: {} })).command).toBe(`shardline ${shown}`);
});

test('cuts a command of thousands of paths', async () => {
  const argv = Array.from({ length: 5000 }, (_, index) => `tests/test_${index}.py`);
  const { command } = await originOf(process.cwd(), { argv, env: {} });
  expect(command.length).toBeLessThan(2010);
  expect(command).toMatch(/ \[…\]$/);
});

test('finds the repository and commit for agents that fetch, and keeps the credentials here', async () => {
  await using project = await newProject({ 'tests/test_a.py': 'def test_a(): pass\n' });
  const workspace = project.directory;
  const git = (...args: string[]) => execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: workspace });
  expect(await gitSource(workspace, 'https://git.example/app.git', null)).toBeNull();
  await git('init', '--quiet', '.');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'first');
  const commit = (await git('rev-parse', 'HEAD')).stdout;
  expect(await gitSource(workspace, null, null)).toBeNull();
  const ci = ciJob({ GITHUB_ACTIONS: 'true', GITHUB_SERVER_URL: 'https://git.example', GITHUB_REPOSITORY: 'team/app' })?.repository ?? null;
  expect(await gitSource(workspace, null, ci)).toEqual({ repository: 'https://git.example/team/app', commit, directory: '' });
  await git('remote', 'add', 'origin', 'https://ci:s3cret@git.example/origin.git');
  const found = { repository: 'https://git.example/origin.git', commit, directory: 'tests/' };
  expect(await gitSource(`${workspace}/tests`, null, ci)).toEqual(found);
  expect(await gitSource(workspace, 'https://t0ken@git.example/named.git', ci)).toMatchObject({
    repository: 'https://git.example/named.git',
  });
});
