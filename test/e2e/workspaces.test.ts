// A fleet of agents that check out the commit of each run from a repository.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { testPython } from '../support/python.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

const git = (cwd: string, ...args: readonly string[]) =>
  execa('git', ['-c', 'user.name=Tester', '-c', 'user.email=tester@example.org', ...args], { cwd });

const suite = (value: number): Record<string, string> => ({
  'value.py': `VALUE = ${value}\n`,
  '.gitignore': '.shardline/\nout*/\n',
  'requirements.txt': '',
  ...Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => [
      `test_${index}.py`,
      `import time, value\ndef test_x(): time.sleep(0.2); assert value.VALUE == ${value}\n`,
    ]),
  ),
});

/** A project whose `work` is a clone of `origin.git`. */
async function newOrigin(): Promise<Project> {
  const project = await newProject({});
  await git(project.directory, 'init', '--quiet', '--bare', 'origin.git');
  await git(project.directory, 'clone', '--quiet', `file://${project.directory}/origin.git`, 'work');
  return project;
}

async function push({ directory }: Project, files: Readonly<Record<string, string>>): Promise<void> {
  const work = join(directory, 'work');
  for (const [name, content] of Object.entries(files)) await writeFile(join(work, name), content);
  await git(work, 'add', '--all');
  await git(work, 'commit', '--quiet', '--message', 'change');
  await git(work, 'push', '--quiet', 'origin', 'HEAD');
}

interface Fleet {
  readonly run: (...argv: readonly string[]) => ReturnType<Project['shardline']>;
  /** Resolves when the agent waits for runs. */
  readonly agent: (name: string, ...argv: readonly string[]) => Promise<AsyncDisposable>;
  readonly address: string;
}

/** Agents that start in a directory without files, and share a cache. */
async function fleetOf(project: Project, redis: string): Promise<Fleet> {
  const settings = { SHARDLINE_REDIS_URL: redis, XDG_CACHE_HOME: join(project.directory, 'cache'), SHARDLINE_PYTHON: testPython() };
  await mkdir(join(project.directory, 'empty'));
  const address = `file://${project.directory}/origin.git`;
  return {
    address,
    run: (...argv) => project.shardline(['run', '--workspace', 'work', ...argv], settings),
    async agent(name, ...argv) {
      const own = ['--workspace', 'empty', '--name', name, '-n', '1', '--source', 'git'];
      const agent = project.shardline(['agent', ...own, ...argv], settings);
      await said(agent, /waiting for runs of the pool default: checkouts of/);
      return {
        async [Symbol.asyncDispose]() {
          agent.kill('SIGTERM');
          await agent;
        },
      };
    },
  };
}

test('two agents run commits that they did not have, and prepare once for the same lock files', { timeout: 180_000 }, async () => {
  await using project = await newOrigin();
  await using server = await startTcpServer();
  const fleet = await fleetOf(project, server.url);
  await push(project, suite(1));
  const prepare = ['--allow-repository', fleet.address, '--prepare', `echo "$PWD" >> ${project.directory}/prepared`];
  await using _one = await fleet.agent('one', ...prepare);
  await using _two = await fleet.agent('two', ...prepare);
  const preparations = async (): Promise<number> => (await readFile(join(project.directory, 'prepared'), 'utf8')).trim().split('\n').length;

  for (const value of [1, 2]) {
    if (value === 2) await push(project, suite(2));
    const ended = await fleet.run('--out', `out${value}`);
    expect(ended.exitCode, ended.all).toBe(0);
    const report = await project.report(`out${value}`);
    expect(Object.values(outcomesOf(report))).toEqual(Array(6).fill('passed'));
    expect(report.agents.map(({ ended: how }) => how)).toEqual(['left', 'left']);
    expect(await preparations(), 'each agent uses a checkout of its own').toBe(2);
  }
});

test('a run names agents without a workspace, and why', { timeout: 180_000 }, async () => {
  await using project = await newOrigin();
  await using server = await startTcpServer();
  const fleet = await fleetOf(project, server.url);
  await push(project, suite(1));
  await using _foreign = await fleet.agent('foreign', '--allow-repository', 'https://git.example/team/*');
  await using _broken = await fleet.agent(
    'broken',
    '--allow-repository',
    fleet.address,
    '--prepare',
    'echo ERROR: no package named nothing; exit 7',
  );
  const ended = await fleet.run('--out', 'out', '--wait-agents', '4s');
  expect(ended.exitCode, ended.all).toBe(11);
  expect(ended.all).toMatch(
    /Agent broken-\S+ on \S+ has no workspace: Could not prepare [0-9a-f]{12} of file:\S+: `echo ERROR.*` ended with exit code 7\.\n {2}ERROR: no package named nothing\n {2}Fix: Run the command/,
  );
  expect(ended.all).toMatch(/Agent foreign-\S+ on \S+ has no workspace: This agent may not fetch from file:\S+origin\.git\./);
  const report = await project.report();
  expect(report.verdict).toBe('incomplete');
  expect(report.agents.map(({ id, why }) => [id.replace(/-\w+$/, ''), why])).toEqual([
    ['broken', expect.stringMatching(/^Could not prepare .* ended with exit code 7: ERROR: no package named nothing$/)],
    ['foreign', expect.stringMatching(/^This agent may not fetch from /)],
  ]);

  await writeFile(join(project.directory, 'work', 'value.py'), 'VALUE = 3\n');
  const changed = await fleet.run('--out', 'changed', '--wait-agents', '4s');
  expect(changed.exitCode, changed.all).toBe(11);
  expect(changed.all).toMatch(
    /Agent broken-\S+ on \S+ has no workspace: Run \S+ has uncommitted changes \(changed files: 1\), which an agent cannot fetch\./,
  );
});
