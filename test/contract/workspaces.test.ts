// The directories in which an agent runs tests: one that its user named, and checkouts of the commits of runs. Over real git.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { RunOver, type Workspaces } from '../../agent/ports.ts';
import { fixedWorkspace } from '../../agent/workspace/fixed-workspace.ts';
import { type GitWorkspaceOptions, gitWorkspaces } from '../../agent/workspace/git-workspaces.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { gitSource } from '../../shared/system/git-source.ts';
import { eventually } from '../support/eventually.ts';
import { opened } from '../unit/core/run-kit.ts';

const cleanups: string[] = [];
afterEach(async () => {
  for (const directory of cleanups.splice(0)) await rm(directory, { recursive: true, force: true });
});

async function temporary(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'shardline-test-workspaces-')));
  cleanups.push(directory);
  return directory;
}

const git = async (cwd: string, ...args: readonly string[]): Promise<string> =>
  (await execa('git', ['-c', 'user.name=Tester', '-c', 'user.email=tester@example.org', ...args], { cwd })).stdout;

/** A repository, and the address of it that its clones have as their origin. */
interface Repository {
  readonly directory: string;
  readonly address: string;
  /** Commits these files and returns a run of that commit. */
  commit(files: Readonly<Record<string, string>>): Promise<RunSpec>;
}

async function newRepository(): Promise<Repository> {
  const directory = await temporary();
  const address = `file://${directory}`;
  await git(directory, 'init', '--quiet');
  return {
    directory,
    address,
    async commit(files) {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(directory, name)), { recursive: true });
        await writeFile(join(directory, name), content);
      }
      await git(directory, 'add', '--all');
      await git(directory, 'commit', '--quiet', '--allow-empty', '--message', 'change');
      return { ...opened([]).spec, files: null, source: await gitSource(directory, address, null) };
    },
  };
}

/** A preparation that counts itself in `prepared`, beside the cache. */
const COUNT = 'echo once >> "$(dirname "$PWD")/../../prepared"';
const never = new AbortController().signal;

async function fetching(repository: Repository, options: Partial<GitWorkspaceOptions> = {}) {
  const cache = await temporary();
  const said: string[] = [];
  const workspaces = gitWorkspaces({
    cache,
    allowed: [repository.address],
    prepare: null,
    lockFiles: ['*.lock'],
    keep: 5,
    maxBytes: null,
    python: 'python3',
    say: (line) => void said.push(line),
    leaving: never,
    ...options,
  });
  return {
    cache,
    said,
    workspaces,
    prepared: async (): Promise<number> => (await readFile(join(cache, 'prepared'), 'utf8').catch(() => '')).split('\n').length - 1,
    checkouts: async (): Promise<number> => {
      const folders = (await readdir(cache)).filter((name) => name !== 'prepared');
      const all = await Promise.all(folders.map((name) => readdir(join(cache, name, 'checkouts'), { withFileTypes: true })));
      return all.flat().filter((entry) => entry.isDirectory()).length;
    },
  };
}

/** Whether the process is there, and is no zombie. */
const isRunning = async (pid: number): Promise<boolean> =>
  /^State:\s+[^Z]/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));

const inDirectory = async (workspaces: Workspaces, spec: RunSpec): Promise<string> => {
  await using workspace = await workspaces.open(spec, never);
  return workspace.directory;
};

describe.each<[string, (repository: Repository) => Promise<Workspaces>]>([
  ['a fixed directory', async ({ directory }) => fixedWorkspace(directory, 'python3')],
  ['checkouts', async (repository) => (await fetching(repository)).workspaces],
])('%s', (_, open) => {
  test('gives a run a directory with its files and an interpreter', async () => {
    const repository = await newRepository();
    const spec = await repository.commit({ 'test_a.py': 'A = 1\n' });
    await using workspace = await (await open(repository)).open(spec, never);
    expect(await readFile(join(workspace.directory, 'test_a.py'), 'utf8')).toBe('A = 1\n');
    expect(workspace.python).toBe('python3');
  });

  test('serves two runs of one commit at the same time', async () => {
    const repository = await newRepository();
    const spec = await repository.commit({ 'test_a.py': 'A = 1\n' });
    const workspaces = await open(repository);
    const both = await Promise.all([workspaces.open(spec, never), workspaces.open(spec, never)]);
    for (const workspace of both) {
      expect(existsSync(join(workspace.directory, 'test_a.py'))).toBe(true);
      await workspace[Symbol.asyncDispose]();
    }
  });
});

describe('checkouts', () => {
  test('give runs of two commits at the same time two directories', async () => {
    const repository = await newRepository();
    const first = await repository.commit({ 'a.py': '1' });
    const second = await repository.commit({ 'a.py': '2' });
    const { workspaces } = await fetching(repository);
    await using one = await workspaces.open(first, never);
    await using two = await workspaces.open(second, never);
    expect(one.directory).not.toBe(two.directory);
    expect(await readFile(join(one.directory, 'a.py'), 'utf8')).toBe('1');
    expect(await readFile(join(two.directory, 'a.py'), 'utf8')).toBe('2');
  });

  test('are prepared once for the same lock files, and again for others', async () => {
    const repository = await newRepository();
    const first = await repository.commit({ 'a.py': '1', 'old.py': '', 'x.lock': '1' });
    await rm(join(repository.directory, 'old.py'));
    const second = await repository.commit({ 'a.py': '2' });
    const third = await repository.commit({ 'x.lock': '2' });
    const fleet = await fetching(repository, { prepare: COUNT });
    const place = await inDirectory(fleet.workspaces, first);
    await writeFile(join(place, 'left-behind.py'), '');
    await mkdir(join(place, '.venv'));
    expect(await inDirectory(fleet.workspaces, second)).toBe(place);
    expect((await readdir(place)).sort()).toEqual(['.git', '.venv', 'a.py', 'x.lock']);
    expect(await fleet.prepared()).toBe(1);
    expect(await inDirectory(fleet.workspaces, third)).not.toBe(place);
    expect(await fleet.prepared()).toBe(2);
  });

  test('run with the interpreter of .venv', async () => {
    const repository = await newRepository();
    const spec = await repository.commit({ 'sub/a.py': '1' });
    const { workspaces } = await fetching(repository, { prepare: 'mkdir -p .venv/bin && ln -s /bin/true .venv/bin/python' });
    const inner = { ...spec, source: { ...(spec.source ?? expect.fail()), directory: 'sub/' } };
    await using workspace = await workspaces.open(inner, never);
    expect(workspace.directory).toMatch(/\/sub\/$/);
    expect(workspace.python).toBe(join(workspace.directory, '..', '.venv', 'bin', 'python'));
  });

  test('are removed when there are more than --keep-workspaces, the oldest first, but never one in use', async () => {
    const repository = await newRepository();
    const fleet = await fetching(repository, { prepare: COUNT, keep: 2 });
    const oldest = await repository.commit({ 'x.lock': '0' });
    await using inUse = await fleet.workspaces.open(oldest, never);
    const places: string[] = [];
    for (const lock of ['1', '2', '3']) places.push(await inDirectory(fleet.workspaces, await repository.commit({ 'x.lock': lock })));
    expect(await fleet.checkouts()).toBe(2);
    expect([inUse.directory, ...places].map((place) => existsSync(place))).toEqual([true, false, false, true]);
  });

  test('are removed while they take more than --max-workspace-size, the oldest first, but never one in use', async () => {
    const repository = await newRepository();
    const megabytes = (count: number): string => `head -c ${count}000000 /dev/urandom > large`;
    const fleet = await fetching(repository, { prepare: megabytes(4), maxBytes: 10_000_000 });
    await using inUse = await fleet.workspaces.open(await repository.commit({ 'x.lock': '0', '.gitignore': 'large' }), never);
    const places: string[] = [];
    for (const lock of ['1', '2', '3']) places.push(await inDirectory(fleet.workspaces, await repository.commit({ 'x.lock': lock })));
    expect([inUse.directory, ...places].map((place) => existsSync(place))).toEqual([true, false, false, true]);
    const small = await fetching(repository, { prepare: megabytes(4), maxBytes: 1_000_000 });
    expect(existsSync(await inDirectory(small.workspaces, await repository.commit({ 'x.lock': '4' })))).toBe(false);
  });

  describe('with a du that does not measure', () => {
    const path = process.env.PATH;
    afterEach(() => {
      process.env.PATH = path;
    });
    /** Returns the file that it writes when it begins. */
    async function putDu(script: string): Promise<string> {
      const directory = await temporary();
      await writeFile(join(directory, 'du'), `#!/bin/sh\n: > ${directory}/began\n${script}\n`, { mode: 0o755 });
      process.env.PATH = `${directory}:${path}`;
      return join(directory, 'began');
    }

    test('say once that --max-workspace-size has no effect', async () => {
      const repository = await newRepository();
      const fleet = await fetching(repository, { prepare: COUNT, maxBytes: 1 });
      await putDu('exit 1');
      const places: string[] = [];
      for (const lock of ['1', '2']) places.push(await inDirectory(fleet.workspaces, await repository.commit({ 'x.lock': lock })));
      expect(places.map((place) => existsSync(place))).toEqual([true, true]);
      expect(fleet.said.filter((line) => line.includes('--max-workspace-size'))).toHaveLength(1);
    });

    test('are closed at once when the agent leaves', async () => {
      const repository = await newRepository();
      const leaving = new AbortController();
      const { workspaces, said } = await fetching(repository, { maxBytes: 1, leaving: leaving.signal });
      const workspace = await workspaces.open(await repository.commit({}), never);
      const began = await putDu('exec sleep 600');
      const closed = workspace[Symbol.asyncDispose]();
      await eventually('the cache is measured', () => existsSync(began));
      leaving.abort();
      await closed;
      expect(said.filter((line) => line.includes('--max-workspace-size'))).toEqual([]);
    });

    test('are given up when the run is over, and free the repository', async () => {
      const repository = await newRepository();
      const over = new AbortController();
      const { workspaces } = await fetching(repository, { maxBytes: 1 });
      const spec = await repository.commit({});
      const began = await putDu('exec sleep 600');
      const opening = workspaces.open(spec, over.signal);
      await eventually('the cache is measured', () => existsSync(began));
      over.abort();
      await expect(opening).rejects.toThrow(RunOver);
      process.env.PATH = path;
      expect(existsSync(await inDirectory(workspaces, spec))).toBe(false);
    });
  });

  test('say which commit the run got that joined last', async () => {
    const repository = await newRepository();
    const { workspaces } = await fetching(repository);
    expect(workspaces.commit()).toBeNull();
    const [one, two] = [await repository.commit({ 'a.py': '1' }), await repository.commit({ 'a.py': '2' })];
    await using _ = await workspaces.open(one, never);
    expect(workspaces.commit()).toBe(one.source?.commit);
    const second = await workspaces.open(two, never);
    expect(workspaces.commit()).toBe(two.source?.commit);
    await second[Symbol.asyncDispose]();
    expect(workspaces.commit()).toBe(one.source?.commit);
  });

  test('name a preparation that fails, with the end of its output, and try again for the next run', async () => {
    const repository = await newRepository();
    const spec = await repository.commit({ 'a.py': '1' });
    const fleet = await fetching(repository, { prepare: `${COUNT}; echo ERROR: no such package >&2; exit 3` });
    for (const times of [1, 2]) {
      await expect(fleet.workspaces.open(spec, never)).rejects.toMatchObject({
        code: 'prepare-failed',
        message: expect.stringMatching(/ended with exit code 3\.\nERROR: no such package\nFix: Run the command/),
      });
      expect(await fleet.prepared()).toBe(times);
    }
  });

  test('refuse repositories that are not allowed, before git sees them', async () => {
    const repository = await newRepository();
    const spec = await repository.commit({ 'a.py': '1' });
    const fleet = await fetching(repository, { allowed: ['https://git.example/team/*'] });
    await expect(fleet.workspaces.open(spec, never)).rejects.toMatchObject({ code: 'repository-not-allowed' });
    await expect(fleet.workspaces.open({ ...spec, source: null }, never)).rejects.toMatchObject({ code: 'no-source' });
    expect(fleet.said).toEqual([]);
  });

  test('name a commit that the repository does not have', async () => {
    const repository = await newRepository();
    const spec = await repository.commit({ 'a.py': '1' });
    const { workspaces } = await fetching(repository);
    const source = { ...(spec.source ?? expect.fail()), commit: '1'.repeat(40) };
    await expect(workspaces.open({ ...spec, source }, never)).rejects.toMatchObject({ code: 'checkout-failed' });
    await using workspace = await workspaces.open(spec, never);
    expect(existsSync(workspace.directory)).toBe(true);
  });

  test('refuse a directory that leads out of the checkout', async () => {
    const repository = await newRepository();
    await execa('ln', ['-s', '/', 'out'], { cwd: repository.directory });
    const spec = await repository.commit({ 'a.py': '1' });
    const { workspaces } = await fetching(repository);
    const source = { ...(spec.source ?? expect.fail()), directory: 'out/tmp/' };
    await expect(workspaces.open({ ...spec, source }, never)).rejects.toMatchObject({ code: 'checkout-failed' });
  });

  test('run no hooks of the repository and no hooks of the cache', async () => {
    const repository = await newRepository();
    const spec = await repository.commit({ 'a.py': '1' });
    const fleet = await fetching(repository, { prepare: COUNT });
    await inDirectory(fleet.workspaces, spec);
    const [folder = ''] = (await readdir(fleet.cache)).filter((name) => name !== 'prepared');
    const hooks = join(fleet.cache, folder, 'repository.git', 'hooks');
    await mkdir(hooks, { recursive: true });
    await writeFile(join(hooks, 'post-checkout'), `#!/bin/sh\ntouch ${fleet.cache}/prepared-by-hook\n`, { mode: 0o755 });
    await inDirectory(fleet.workspaces, await repository.commit({ 'a.py': '2' }));
    expect(existsSync(join(fleet.cache, 'prepared-by-hook'))).toBe(false);
  });

  test('end a preparation with its children when the run is over', async () => {
    const repository = await newRepository();
    const spec = await repository.commit({ 'a.py': '1' });
    const over = new AbortController();
    const fleet = await fetching(repository, { prepare: 'sleep 300 & echo $! > ../../../prepared; wait' });
    const opening = fleet.workspaces.open(spec, over.signal);
    const rejected = expect(opening).rejects.toThrow(RunOver);
    await eventually('the preparation runs', async () => (await fleet.prepared()) > 0);
    const pid = Number(await readFile(join(fleet.cache, 'prepared'), 'utf8'));
    over.abort();
    await rejected;
    await eventually('its child is gone', async () => !(await isRunning(pid)));
  });
});
