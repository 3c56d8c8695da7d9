// `shardline status`, `cancel` and `doctor`: what is in Redis now, and what a run would need.

import { execa } from 'execa';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

const suite = {
  'test_quick.py': 'def test_quick(): pass\n',
  'test_slow.py': 'import time\ndef test_slow(): time.sleep(60)\n',
};

test('status shows an open run and its agents, and cancel ends it with its results', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '2'], settings);
  const introduced = await said(agent, /agent (far-\S+): waiting for runs of the pool default: (.*)\n/);
  expect(introduced[2]).toMatch(/\(not in git\); cpython 3\.\d+, pytest \d.*; 2 workers; Redis at redis:\/\/127\.0\.0\.1:\d+/);
  const name = introduced[1] ?? '';
  const idle = await project.shardline(['status'], settings);
  expect(idle.stdout).toMatch(
    new RegExp(
      `^pool default: 0 open runs, 1 agent\nagent ${name}: waiting; 2 workers on \\S+ \\([\\d.]+ cores?, [\\d.]+ .B\\), shardline \\d\\S+$`,
    ),
  );
  const json: unknown = JSON.parse((await project.shardline(['status', '--json'], settings)).stdout);
  expect(json).toMatchObject({
    pool: 'default',
    runs: [],
    agents: [{ id: name, facts: { workers: 2, labels: [], commit: null, drainSeconds: null, runs: [] } }],
  });

  const run = project.shardline(['run', '--verbose', '--out', 'out'], settings);
  const id = (await said(run, /Run (\S+):[\s\S]*PASSED test_quick/))[1] ?? '';
  await eventually('the agent has reported what it holds', async () =>
    (await project.shardline(['status'], settings)).stdout.includes('1 shard running or queued'),
  );
  const shown = (await project.shardline(['status'], settings)).stdout;
  expect(shown).toMatch(
    new RegExp(
      `^pool default: 1 open run, 1 agent\nrun ${id}\n  open for .*, coordinator on \\S+ \\(pid ${run.pid}\\)\n  [01] of 2 files done.*\n  agent ${name}: `,
    ),
  );

  const cancelled = await project.shardline(['cancel', id], settings);
  expect(cancelled.exitCode, cancelled.all).toBe(0);
  const ended = await run;
  expect(ended.exitCode, ended.all).toBe(2);
  const report = await project.report();
  expect(report).toMatchObject({ verdict: 'interrupted', totals: { passed: 1, notRun: 1 } });
  expect(outcomesOf(report)).toEqual({ 'test_quick.py::test_quick': 'passed' });

  const gone = await project.shardline(['cancel', id], settings);
  expect(gone.exitCode).toBe(4);
  expect(gone.stderr).toContain(`There is no open run ${id} in this Redis.`);
  agent.kill('SIGTERM');
  await agent;
});

test('status says how to take over a run that lost its coordinator', { timeout: 120_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const run = project.shardline(['run', '--wait-agents', '60s', '--out', 'out'], settings);
  const id = (await said(run, /Run (\S+):/))[1] ?? '';
  run.kill('SIGKILL');
  await run;
  const lost = `no coordinator; take it over with \`shardline run --resume ${id}\``;
  await eventually('the lease has expired', async () => (await project.shardline(['status'], settings)).stdout.includes(lost));
});

test('doctor finds a suite that can run, and what is missing otherwise', { timeout: 120_000 }, async () => {
  await using project = await newProject(suite);
  const healthy = await project.shardline(['doctor']);
  expect(healthy.exitCode, healthy.all).toBe(0);
  expect(healthy.stdout).toMatch(/^ok {3}python {4}cpython 3\.\d+ at .*, pytest \d.*, pytest-xdist \d/m);
  expect(healthy.stdout).toMatch(/^ok {3}suite {5}pytest \S+ with xdist \S+ finds 2 test files in /m);
  expect(healthy.stdout).toMatch(/^ok {3}collect {3}not known yet/m);
  expect(healthy.stdout).toContain('A run can start here: `shardline run`.');
  expect(project.holds('.shardline')).toBe(false);

  const sick = await project.shardline(['doctor', 'nowhere', '--redis', 'redis://127.0.0.1:1']);
  expect(sick.exitCode).toBe(4);
  expect(sick.stdout).toMatch(/^BAD {2}redis {5}Could not connect to Redis at redis:\/\/127\.0\.0\.1:1: .*\n {15}Fix: Start Redis there/m);
  expect(sick.stdout).toMatch(/^BAD {2}suite {5}pytest rejected its paths or options/m);
  expect(sick.stdout).toContain('A run cannot start here yet.');

  const { stdout: bare } = await execa('python3', ['-c', 'import sys; print(sys.executable)'], {
    env: { PATH: '/usr/bin:/bin' },
    extendEnv: false,
  });
  const without = await project.shardline(['doctor', '--python', bare]);
  expect(without.exitCode).toBe(4);
  expect(without.stdout).toMatch(
    /^BAD {2}python {4}cpython 3\.\d+ at \S+ has no pytest\n {15}Fix: Run `\S+ -m pip install "pytest>=7" "pytest-xdist>=3"`\./m,
  );
  expect(without.stdout).toMatch(/^skip suite {5}needs python$/m);
});

test('doctor names a problem once, on lines of its own', { timeout: 60_000 }, async () => {
  await using project = await newProject(suite);
  const away = await project.shardline(['doctor', '--redis', 'redis://127.0.0.1:1']);
  expect(away.exitCode).toBe(4);
  expect(away.stdout.match(/Could not connect to Redis/g)?.length).toBe(1);
  expect(away.stdout).toMatch(/^ok {3}suite {5}pytest .*\nskip collect {3}needs redis$/m);

  const none = await project.shardline(['doctor', '--redis-bin', 'nowhere']);
  expect(none.stdout).toMatch(
    /^BAD {2}redis {5}Found no Redis server program for the embedded Redis\.\n {15}Looked for \S+\.\n {15}Fix: Name an/m,
  );
});

test('doctor ends on a signal with exit code 2', { timeout: 60_000 }, async () => {
  await using project = await newProject({
    ...suite,
    'conftest.py': 'import sys, time\nopen("begun", "w").close()\ntime.sleep(60)\n',
  });
  const doctor = project.shardline(['doctor']);
  await eventually('pytest loads the conftest', async () => project.holds('begun'));
  doctor.kill('SIGINT');
  const { exitCode, all } = await doctor;
  expect(exitCode, all).toBe(2);
  expect(all).toContain('shardline: interrupted by SIGINT before every check was done');
  expect(all).not.toContain('failed unexpectedly');
});
