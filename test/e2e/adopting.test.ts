// Runs every command of docs/adopting.md, except those in `elsewhere`.

import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { phaseWords } from '../../coordinator/reporters/summary/profile-text.ts';
import { commandsOf, words } from '../support/doc-commands.ts';
import { eventually } from '../support/eventually.ts';
import { testPython } from '../support/python.ts';
import { startTcpServer } from '../support/redis.ts';
import { environment, newProject, type Project } from '../support/shardline.ts';

const page = 'docs/adopting.md';
const elsewhere = ['shardline agent', 'shardline agent --log-file agent.log', "pip install 'shardline[all]' pytest-xdist"];
const commands = commandsOf(page);

/** The one command that begins with `start`. */
function command(start: string): string {
  const found = commands.filter((line) => line.startsWith(start));
  expect(found, start).toHaveLength(1);
  return found[0] ?? '';
}

const minimal = command('shardline run tests/ --junit-xml');
const before = command('pytest tests/ --junitxml=before.xml');
const validate = command('shardline run tests/ --baseline');
const back = command('pytest tests/ -m');
const bisect = command('shardline replay');
const memory = command('shardline run tests/ --worker-memory');
const flaky = command('shardline run tests/ --reruns');
const failed = command('shardline run tests/ --failed');
const imports = command('python -X importtime');
const coordinator = command('shardline run tests/ --agents 1 --deadline');

const suite = {
  'pytest.ini': '[pytest]\nmarkers =\n    slow\n    serial\n',
  'tests/test_orders.py': [
    'import os, pytest',
    'seen = []',
    'def test_first(): seen.append(1)',
    'def test_total(): assert not (seen and "LEAK" in os.environ)',
    '@pytest.mark.serial',
    'def test_alone(): pass',
  ].join('\n'),
  'tests/test_users.py': 'import pytest\ndef test_user(): pass\n@pytest.mark.slow\ndef test_slow(): pass\n',
};

async function typed(project: Project, line: string, settings: Readonly<Record<string, string>> = {}) {
  const [program, ...rest] = words(line);
  if (program === 'shardline') return await project.shardline(rest, settings);
  const args = program === 'pytest' ? ['-m', 'pytest', ...rest] : rest;
  return await execa(testPython(), args, {
    cwd: project.directory,
    env: environment(settings),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
  });
}

test('runs every command of the page, and the page explains every phase of a run', () => {
  const here = [minimal, before, validate, back, bisect, memory, flaky, failed, imports, coordinator];
  expect(commands.filter((line) => !here.includes(line) && !elsewhere.includes(line))).toEqual([]);
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  for (const word of Object.values(phaseWords)) expect(text).toContain(`\n| \`${word}\` | `);
});

test('the minimal setup, its validation and the way back to pytest work', { timeout: 300_000 }, async () => {
  await using project = await newProject(suite);
  const first = await typed(project, minimal);
  expect(first.exitCode, first.all).toBe(0);
  expect(first.stdout).toMatch(/^passed: 4 passed, 1 deselected in /m);
  expect(await project.read('junit.xml')).toContain('test_user');
  expect(await project.read('.shardline/timings.json')).toContain('tests/test_orders.py');
  expect(await project.read('.shardline/.gitignore')).toBe('*\n');

  expect((await typed(project, failed)).exitCode).toBe(5);
  expect((await typed(project, before)).exitCode).toBe(0);
  const validated = await typed(project, validate);
  expect(validated.exitCode, validated.all).toBe(0);
  expect(validated.stdout).toMatch(/^compared with .*before\.xml: 0 new failures, .* 0 vanished$/m);
  expect(validated.stdout).toMatch(/^target met +pass-rate=100% /m);
  expect(validated.stdout).toMatch(/^passed: 5 passed in /m);
  expect(validated.stdout).not.toMatch(/VANISHED|NOT RUN/);

  const returned = await typed(project, back);
  expect(returned.exitCode, returned.all).toBe(0);
  expect(returned.stdout).toContain('4 passed, 1 deselected');
});

test('the troubleshooting commands find the cause of a failure', { timeout: 300_000 }, async () => {
  await using project = await newProject(suite);
  const leaking = { LEAK: '1' };
  const failed = await project.shardline(['run', 'tests/', '-n', '1', '--out', 'out'], leaking);
  expect(failed.exitCode, failed.all).toBe(1);
  const found = await typed(project, bisect, leaking);
  expect(found.stdout).toMatch(/test_total fails after:\n {2}tests\/test_orders\.py::test_first\nReproduce: /);

  for (const line of [memory, flaky]) {
    const result = await typed(project, line);
    expect(result.exitCode, result.all).toBe(0);
  }
  expect((await typed(project, imports)).stderr).toContain('import time:');
});

test('a run finds an agent of its pool, and the agent exits once it is idle', {
  timeout: 180_000,
}, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url, SHARDLINE_POOL: 'ci-1-1' };
  // The coordinator starts no agent of its own, so only the other agent can run the tests.
  const run = project.shardline(words(coordinator.replace('--agents 1', '--agents 0')).slice(1), settings);
  let said = '';
  run.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await eventually('the run waits', () => said.includes('no agent in pool'), 60);
  const serving = project.shardline(['agent', '--max-idle', '1s'], settings);
  const { exitCode, all } = await run;
  expect(exitCode, all).toBe(0);
  expect((await project.report()).agents).toHaveLength(1);
  expect(await serving).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('joined run') });
});
