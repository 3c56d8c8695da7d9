// One agent that serves several runs at once: they share its workers, and no run harms another.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys } from '../../shared/redis/keys.ts';
import { WIRE_VERSION } from '../../shared/wire/envelope.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

/** Each test notes when it begins and ends. A test of `name` waits until the file `name` exists. */
const conftest = `
import os, pathlib, time
import pytest

here = pathlib.Path(__file__).parent

def note(line):
    with open(here / "log", "a") as log:
        log.write(line + "\\n")

@pytest.fixture(autouse=True)
def gate(request):
    folder = request.path.parent.name
    note(f"={folder} {os.environ['PYTEST_XDIST_WORKER']}")
    note(f"+{folder}")
    while not (here / f"open-{folder}").exists():
        time.sleep(0.02)
    yield
    note(f"-{folder}")
`;
const files = (folder: string, count: number, body = 'def test_x(): pass\n') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${folder}/test_${folder}_${index}.py`, body]));
const suite = { 'conftest.py': conftest, ...files('one', 6), ...files('two', 6) };
const passed = (folder: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${folder}/test_${folder}_${index}.py::test_x`, 'passed']));

const open = (project: Project, folder: string): Promise<void> => writeFile(join(project.directory, `open-${folder}`), '');
const noted = async (project: Project): Promise<readonly string[]> =>
  (await readFile(join(project.directory, 'log'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
const count = (lines: readonly string[], line: string): number => lines.filter((each) => each === line).length;

const agentOf = (project: Project, url: string, workers: number) =>
  project.shardline(['agent', '--name', 'shared', '-n', String(workers)], { SHARDLINE_REDIS_URL: url });
/** Resolves when the agent has a session for each of two runs. Called before the agent has one. */
const servesTwo = (agent: ReturnType<typeof agentOf>) => said(agent, /joined run[\s\S]*joined run/);
const runOf = (project: Project, url: string, folder: string, ...more: readonly string[]) =>
  project.shardline(['run', folder, '--collect', 'file', '--verbose', '--out', folder, ...more], { SHARDLINE_REDIS_URL: url });

test('two runs share the workers of one agent, and a cancelled run frees its own at once', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const agent = agentOf(project, server.url, 2);
  const one = runOf(project, server.url, 'one');
  const id = (await said(one, /Run (\S+):/))[1] ?? '';
  await eventually('the first run has both workers', async () => count(await noted(project), '+one') === 2, 60);
  const two = runOf(project, server.url, 'two');
  await said(two, /Agent shared-\S+ joined/);
  expect(count(await noted(project), '+two')).toBe(0);
  await project.shardline(['cancel', id], { SHARDLINE_REDIS_URL: server.url });
  await eventually('the second run has both workers', async () => count(await noted(project), '+two') === 2, 60);
  await open(project, 'two');
  const [first, second] = await Promise.all([one, two]);
  agent.kill('SIGTERM');
  await agent;
  expect(first.exitCode, first.all).toBe(2);
  expect(second.exitCode, second.all).toBe(0);
  expect(outcomesOf(await project.report('two'))).toEqual(passed('two', 6));
});

test('a run gets its part of the workers when attempts of another end, never more than there are', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const agent = agentOf(project, server.url, 2);
  const both = servesTwo(agent);
  const one = runOf(project, server.url, 'one');
  await eventually('the first run has both workers', async () => count(await noted(project), '+one') === 2, 60);
  const two = runOf(project, server.url, 'two');
  await both;
  await open(project, 'one');
  await eventually('the second run has begun', async () => count(await noted(project), '+two') > 0, 60);
  await open(project, 'two');
  const [first, second] = await Promise.all([one, two]);
  const lines = await noted(project);
  const third = await runOf(project, server.url, 'two');
  agent.kill('SIGTERM');
  const { exitCode } = await agent;
  expect([first, second, third].map((run) => run.exitCode).concat(exitCode), `${first.all}${second.all}${third.all}`).toEqual([0, 0, 0, 0]);
  let busy = 0;
  const workersOf = (folder: string) => lines.filter((line) => line.startsWith(`=${folder} `)).map((line) => line.split(' ')[1]);
  expect(workersOf('one').filter((worker) => workersOf('two').includes(worker))).toEqual([]);
  for (const line of lines.filter((each) => !each.startsWith('='))) {
    busy += line.startsWith('+') ? 1 : -1;
    expect(busy).toBeLessThanOrEqual(2);
  }
});

test.each([
  ['a higher priority', ['--priority', '1'], []],
  ['a nearer deadline', ['--deadline', '10m'], ['--deadline', '20m']],
])('a run with %s gets the next worker', async (_, urgent, other) => {
  await using project = await newProject({ 'conftest.py': conftest, ...files('one', 24), ...files('two', 3) });
  await using server = await startTcpServer();
  const agent = agentOf(project, server.url, 1);
  const both = servesTwo(agent);
  const one = runOf(project, server.url, 'one', ...other);
  await eventually('the first run has the worker', async () => count(await noted(project), '+one') === 1, 60);
  const two = runOf(project, server.url, 'two', ...urgent);
  await both;
  await open(project, 'two');
  await open(project, 'one');
  const [first, second] = await Promise.all([one, two]);
  agent.kill('SIGTERM');
  await agent;
  expect([first.exitCode, second.exitCode], `${first.all}${second.all}`).toEqual([0, 0]);
  const order = (await noted(project)).filter((line) => line.startsWith('+')).map((line) => line.slice(1));
  // The agent may hold attempts of the first run that it fetched before the second run came.
  expect(order.lastIndexOf('two')).toBeLessThan(order.lastIndexOf('one'));
  expect(outcomesOf(await project.report('two'))).toEqual(passed('two', 3));
});

test('a crash in one run does not touch another run on the same agent', async () => {
  const crash = 'import os\ndef test_x(): os._exit(1)\n';
  await using project = await newProject({ 'conftest.py': conftest, ...files('one', 4), ...files('two', 2, crash) });
  await using server = await startTcpServer();
  await open(project, 'two');
  const agent = agentOf(project, server.url, 2);
  const one = runOf(project, server.url, 'one');
  await eventually('the first run has begun', async () => count(await noted(project), '+one') > 0, 60);
  const two = runOf(project, server.url, 'two');
  await said(two, /Agent shared-\S+ joined/);
  await open(project, 'one');
  const [first, second] = await Promise.all([one, two]);
  agent.kill('SIGTERM');
  await agent;
  expect(second.exitCode, second.all).toBe(1);
  expect(first.exitCode, first.all).toBe(0);
  expect(outcomesOf(await project.report('one'))).toEqual(passed('one', 4));
  const report = await project.report('one');
  expect(report.tests.every(({ attempts }) => attempts.length === 1)).toBe(true);
});

test('three agents are replaced one by one under load, beside a run of a newer version: nothing is lost', {
  timeout: 180_000,
}, async () => {
  const body = 'def test_x(): pass\ndef test_y(): assert 0\n';
  // The later files wait, so that every agent that leaves runs one.
  const names = Array.from({ length: 40 }, (_, index) => (index < 12 ? `early/test_${index}.py` : `late/test_${index}.py`));
  await using project = await newProject({ 'conftest.py': conftest, ...Object.fromEntries(names.map((name) => [name, body])) });
  await open(project, 'early');
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = (name: string) => project.shardline(['agent', '--name', name, '-n', '1', '--drain-timeout', '2s'], settings);
  const announce = async (): Promise<void> => {
    const redis = await connect(server.url, 'newer');
    const { opened, runs } = poolKeys('default');
    const newer = { version: WIRE_VERSION + 1, type: 'spec', pool: 'default', run: 'newer' };
    await redis.multi().hset(runs, 'newer', JSON.stringify(newer)).xadd(opened, '*', 'run', 'newer').exec();
    redis.disconnect();
  };

  await announce();
  const old = [1, 2, 3].map((number) => agent(`old${number}`));
  const run = project.shardline(['run', '--verbose', '--out', 'out'], settings);
  await Promise.all(old.map((_, index) => said(run, new RegExp(`Agent old${index + 1}-\\S+ joined`))));
  await eventually('three tests wait', async () => count(await noted(project), '+late') >= 3, 60);
  const replacements: ReturnType<typeof agent>[] = [];
  for (const [index, leaving] of old.entries()) {
    const replacement = agent(`new${index + 1}`);
    replacements.push(replacement);
    await said(run, new RegExp(`Agent new${index + 1}-\\S+ joined`));
    // Not `leaving.kill`: execa would kill the agent 5 s after SIGTERM.
    process.kill(leaving.pid ?? 0, 'SIGTERM');
    const left = await leaving;
    expect(left.exitCode, left.all).toBe(0);
    expect(left.all).toMatch(/declined run newer: /);
    await eventually('the new agent has work', async () => count(await noted(project), '+late') >= 4 + index, 60);
  }
  await open(project, 'late');
  const ended = await run;
  for (const each of replacements) each.kill('SIGTERM');
  const after = await Promise.all(replacements);
  expect(ended.exitCode, ended.all).toBe(1);
  const expected = names.flatMap((name) => [
    [`${name}::test_x`, 'passed'],
    [`${name}::test_y`, 'failed'],
  ]);
  const report = await project.report();
  expect(outcomesOf(report)).toEqual(Object.fromEntries(expected));
  expect(report.totals).toMatchObject({ expected: 80, passed: 40, failed: 40, notRun: 0 });
  expect(after.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  for (const { all } of after) expect(all).toMatch(/declined run newer: /);
});
