// Runs whose coordinator or Redis dies. run.test.ts kills agents, and test/chaos kills all of them at random.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys } from '../../shared/redis/keys.ts';
import { startDurableRedis } from '../support/durable-redis.ts';
import { eventually } from '../support/eventually.ts';
import { marked } from '../support/marked.ts';
import { recordedEvents } from '../support/recorded-events.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

const body = 'import time\ndef test_x(): time.sleep(0.4)\ndef test_y(): time.sleep(0.4)\n';
const suite = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`test_${index}.py`, body]));
const ids = Object.keys(suite).flatMap((file) => [`${file}::test_x`, `${file}::test_y`]);
const all = Object.fromEntries(ids.map((id) => [id, 'passed']));
const out = ['--out', 'out'];

/** One test that waits until it is released, and one that does not. */
const held = {
  'test_quick.py': 'def test_quick(): pass\n',
  'test_held.py':
    "import pathlib, time\ndef test_held():\n    while not pathlib.Path(__file__).with_name('released').exists(): time.sleep(0.05)\n",
};
const allHeld = { 'test_quick.py::test_quick': 'passed', 'test_held.py::test_held': 'passed' };
const release = (project: Project): Promise<void> => writeFile(join(project.directory, 'released'), '');

test('--resume finishes a run whose coordinator was killed, with remote and local agents', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1'], settings);
  const first = project.shardline(['run', '--agents', '1', '-n', '1', '--verbose', ...out], settings);
  const id = (await said(first, /Run (\S+):[\s\S]*PASSED .*\(far-[\s\S]*PASSED .*-a1\)/))[1] ?? '';
  first.kill('SIGKILL');
  await first;
  const second = await project.shardline(['run', '--resume', id, '--agents', '1', '-n', '1', ...out], settings);
  expect(second.exitCode, second.all).toBe(0);
  expect(second.all).toMatch(/Resumed run \S+: [1-9]\d* tests? done/);
  // Its connections are closed, so its lease need not expire.
  expect(second.all).not.toContain('waiting for the coordinator');
  const report = await project.report();
  expect(report).toMatchObject({ runId: id, verdict: 'passed', totals: { expected: 16, passed: 16, notRun: 0 } });
  expect(outcomesOf(report)).toEqual(all);
  const names = report.agents.map((each) => each.id);
  expect(names).toEqual(expect.arrayContaining([`${id}-a1`, expect.stringMatching(/^far-/)]));

  const again = await project.shardline(['run', '--resume', id, ...out], settings);
  expect(again.exitCode, again.all).toBe(0);
  const { finishedAt: _, profile: __, ...same } = await project.report();
  expect(same).toEqual((({ finishedAt, profile, ...rest }) => rest)(report));
  agent.kill('SIGTERM');
  await agent;
});

test('--resume finishes a run on another machine, from nothing but Redis', async () => {
  await using project = await newProject(suite);
  await using elsewhere = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1'], settings);
  const first = project.shardline(['run', '--verbose', ...out], settings);
  const id = (await said(first, /Run (\S+):[\s\S]*PASSED[\s\S]*PASSED[\s\S]*PASSED/))[1] ?? '';
  first.kill('SIGKILL');
  const { stderr } = await first;
  await rm(join(project.directory, 'out'), { recursive: true });
  const second = await elsewhere.shardline(['run', '--resume', id, '--out', 'new'], settings);
  expect(second.exitCode, second.all).toBe(0);
  expect(second.all).toMatch(/Resumed run \S+: [1-9]\d* tests? done/);
  const report = await elsewhere.report('new');
  expect(report).toMatchObject({ runId: id, verdict: 'passed', totals: { expected: 16, passed: 16, notRun: 0, duplicatesDropped: 0 } });
  expect(outcomesOf(report)).toEqual(all);
  // No test that had finished ran again.
  const done = Array.from(stderr.matchAll(/^PASSED (\S+)/gm), ([, test]) => test);
  expect(done.length).toBeGreaterThanOrEqual(3);
  for (const { nodeid, attempts } of report.tests) expect([nodeid, attempts.length]).toEqual([nodeid, 1]);
  const events = await recordedEvents(join(elsewhere.directory, 'new', 'events.ndjson'));
  expect(events[0]).toMatchObject({ kind: 'run-opened' });
  const ran = events.filter((event) => event.kind === 'attempt-reported' && event.event.kind === 'test-started');
  expect(ran.length).toBe(16);
  const refused = await elsewhere.shardline(['run', '--resume', id, '--out', 'other'], settings);
  expect(refused.exitCode, refused.all).toBe(4);
  expect(refused.stderr).toContain('Redis has no complete log of it');
  agent.kill('SIGTERM');
  await agent;
});

test.each([
  ['from its file', false],
  ['on another machine, from nothing but Redis', true],
])('--resume finishes a run that had restarted %s, with the agents that serve it', async (_, isElsewhere) => {
  const odd = {
    ...suite,
    // Only the first xdist worker that imports the file fails, so the run restarts with the whole suite.
    'test_odd.py':
      'import os\nif "PYTEST_XDIST_WORKER" in os.environ:\n    try: os.mkdir("imported")\n    except FileExistsError: pass\n    else: raise ImportError("the first")\n\ndef test_odd(): pass\n',
  };
  await using project = await newProject(odd);
  await using elsewhere = await newProject(odd);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1'], settings);
  const first = project.shardline(['run', '--collect', 'file', '--agents', '1', '-n', '1', '--verbose', ...out], settings);
  const id = (await said(first, /Run (\S+):[\s\S]*restarting, every worker[\s\S]*PASSED .*\(far-/))[1] ?? '';
  first.kill('SIGKILL');
  await first;
  if (isElsewhere) await rm(join(project.directory, 'out'), { recursive: true });
  const here = isElsewhere ? elsewhere : project;
  const second = await here.shardline(['run', '--resume', id, ...out], settings);
  expect(second.exitCode, second.all).toBe(0);
  const report = await here.report();
  expect(report).toMatchObject({ runId: id, restarted: { voidTests: expect.any(Number) } });
  expect(outcomesOf(report)).toEqual({ ...all, 'test_odd.py::test_odd': 'passed' });
  agent.kill('SIGTERM');
  await agent;
});

test('--resume finishes a run with an embedded Redis from its recorded events', async () => {
  await using project = await newProject(suite);
  const first = project.shardline(['run', '-n', '2', '--verbose', ...out]);
  const id = (await said(first, /Run (\S+):[\s\S]*PASSED/))[1] ?? '';
  first.kill('SIGKILL');
  await first;
  const second = await project.shardline(['run', '--resume', id, '-n', '2', ...out]);
  expect(second.exitCode, second.all).toBe(0);
  const report = await project.report();
  expect(outcomesOf(report)).toEqual(all);
  expect(report.agents.map((each) => each.id)).toEqual(['a1', 'r1-a1']);
});

test('a resumed run restarts with the whole suite when a test needs what another test file imports', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\npythonpath = .\n',
    'pack/__init__.py': '',
    'pack/part.py': '',
    'test_slow.py': 'import time\ndef test_slow(): time.sleep(2)\n',
    'test_needs.py': 'import pack, time\ndef test_needs():\n    time.sleep(1)\n    assert pack.part\n',
    'test_quick.py': 'import pack.part\ndef test_quick(): pass\n',
  });
  const once = await project.shardline(['run', '-n', '1', '--out', 'learned']);
  expect(once.exitCode, once.all).toBe(0);
  const first = project.shardline(['run', '-n', '1', '--verbose', ...out]);
  const id = (await said(first, /Run (\S+):[\s\S]*PASSED test_slow/))[1] ?? '';
  first.kill('SIGKILL');
  await first;
  const second = await project.shardline(['run', '--resume', id, '-n', '1', ...out]);
  expect(second.exitCode, second.all).toBe(0);
  const why = 'test_needs.py::test_needs passes only beside modules that other test files load (pack.part)';
  expect(await project.report()).toMatchObject({ restarted: { why }, totals: { passed: 3 } });
});

test('a frozen coordinator that wakes after another took over its run exits 2 and changes nothing', async () => {
  await using project = await newProject(held);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '2'], settings);
  const old = project.shardline(['run', '--verbose', ...out], settings);
  const id = (await said(old, /Run (\S+):[\s\S]*PASSED/))[1] ?? '';
  old.kill('SIGSTOP');
  const next = project.shardline(['run', '--resume', id, '--verbose', ...out], settings);
  await said(next, /Resumed run/);
  old.kill('SIGCONT');
  const deposed = await old;
  expect(deposed.exitCode, deposed.all).toBe(2);
  expect(deposed.all).toContain('Another coordinator took over run');
  expect(project.holds('out/report.json')).toBe(false);
  await release(project);
  const result = await next;
  expect(result.exitCode, result.all).toBe(0);
  expect(outcomesOf(await project.report())).toEqual(allHeld);
  agent.kill('SIGTERM');
  await agent;
});

test('--resume leaves a run to its coordinator while that answers (exit 4), and the run ends as usual', async () => {
  await using project = await newProject(held);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const running = project.shardline(['run', '--agents', '1', '-n', '2', '--verbose', ...out], settings);
  const id = (await said(running, /Run (\S+):[\s\S]*PASSED/))[1] ?? '';
  const refused = await project.shardline(['run', '--resume', id, '--agents', '1', '-n', '1', ...out], settings);
  expect(refused.exitCode, refused.all).toBe(4);
  const waiting = `waiting for the coordinator \\S+ \\(pid ${running.pid}\\) of run ${id} to stop answering, up to 12 s\n`;
  expect(refused.all).toMatch(new RegExp(waiting));
  expect(refused.all).toMatch(new RegExp(`Could not resume run ${id}: its coordinator still runs on \\S+ \\(pid ${running.pid}\\)`));
  await release(project);
  const result = await running;
  expect(result.exitCode, result.all).toBe(0);
  expect(outcomesOf(await project.report())).toEqual(allHeld);
});

test('--resume waits for a coordinator that ends the run, and reports that run', async () => {
  await using project = await newProject(held);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const running = project.shardline(['run', '--agents', '1', '-n', '2', '--verbose', ...out], settings);
  const id = (await said(running, /Run (\S+):[\s\S]*PASSED/))[1] ?? '';
  const resuming = project.shardline(['run', '--resume', id, ...out], settings);
  await said(resuming, /waiting for the coordinator/);
  await release(project);
  const results = await Promise.all([running, resuming]);
  for (const { exitCode, all } of results) expect(exitCode, all).toBe(0);
  expect(outcomesOf(await project.report())).toEqual(allHeld);
});

test('when two commands resume one run at the same time, one finishes it and the other leaves it alone (exit 4)', async () => {
  await using project = await newProject(held);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '2'], settings);
  const first = project.shardline(['run', '--verbose', ...out], settings);
  const id = (await said(first, /Run (\S+):[\s\S]*PASSED/))[1] ?? '';
  first.kill('SIGKILL');
  await first;
  // One of them starts agents, which delays it between its claim on the run and its log.
  const resumes = ['3', '0'].map((agents) => project.shardline(['run', '--resume', id, '--agents', agents, '-n', '1', ...out], settings));
  const refused = await Promise.race(resumes);
  expect(refused.exitCode, refused.all).toBe(4);
  expect(refused.all).toContain(`Could not resume run ${id}: its coordinator still runs on`);
  await release(project);
  const results = await Promise.all(resumes);
  expect(results.map(({ exitCode }) => exitCode).sort(), results.map(({ all }) => all).join('\n')).toEqual([0, 4]);
  expect(outcomesOf(await project.report())).toEqual(allHeld);
  agent.kill('SIGTERM');
  await agent;
});

test('local agents get new names when another command resumed the run while this one waited for it', async () => {
  await using project = await newProject(held);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '2'], settings);
  const first = project.shardline(['run', '--verbose', ...out], settings);
  const id = (await said(first, /Run (\S+):[\s\S]*PASSED/))[1] ?? '';
  first.kill('SIGSTOP');
  const resumes = [1, 2].map(() => project.shardline(['run', '--resume', id, '--agents', '1', '-n', '1', '--verbose', ...out], settings));
  // Both have read the log by now.
  await Promise.all(resumes.map((each) => said(each, /waiting for the coordinator/)));
  // Its agent joins once the resumed run is recorded, so that the other command knows of it.
  const resumed = resumes.map((each, index) => said(each, /Resumed run[\s\S]*-a1 joined/).then(() => index));
  first.kill('SIGKILL');
  const served = await Promise.race(resumed);
  resumes[served]?.kill('SIGKILL');
  const other = resumes[1 - served];
  if (other === undefined) throw new Error('unreachable');
  const [, name] = await said(other, /Resumed run[\s\S]*Agent (\S+-a1) joined/);
  expect(name).toBe(`${id}-r2-a1`);
  await Promise.all(resumed);
  await release(project);
  const result = await other;
  expect(result.exitCode, result.all).toBe(0);
  expect(outcomesOf(await project.report())).toEqual(allHeld);
  agent.kill('SIGTERM');
  await Promise.all([agent, first]);
});

test('--resume leaves a run with an embedded Redis to its coordinator while that process exists (exit 4)', async () => {
  await using project = await newProject(held);
  const running = project.shardline(['run', '-n', '2', '--verbose', ...out]);
  const id = (await said(running, /Run (\S+):[\s\S]*PASSED/))[1] ?? '';
  const refused = await project.shardline(['run', '--resume', id, '-n', '1', ...out]);
  expect(refused.exitCode, refused.all).toBe(4);
  expect(refused.all).toContain('its process is still running');
  await release(project);
  const result = await running;
  expect(result.exitCode, result.all).toBe(0);
  expect(outcomesOf(await project.report())).toEqual(allHeld);
});

test('reports at once that the last agent left, and ends the run with exit 11 after --wait-agents', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1'], settings);
  const running = project.shardline(['run', '--verbose', '--wait-agents', '2s', ...out], settings);
  await said(running, /PASSED/);
  const told = said(running, /No agent is left: waiting 2 s for another\./);
  agent.kill('SIGTERM');
  await told;
  expect((await agent).exitCode).toBe(0);
  const result = await running;
  expect(result.exitCode, result.all).toBe(11);
  const { totals, tests, notRun } = await project.report();
  expect(tests.length).toBeGreaterThan(0);
  expect(totals.expected).toBe(tests.length + notRun.length);
  expect(new Set(notRun.map(({ reason }) => reason))).toEqual(new Set(['no-agent']));
});

test('no pytest process and no xdist worker survives an agent that is frozen and then killed', async () => {
  await using project = await newProject({
    'test_a.py': 'import time\ndef test_x(): time.sleep(60)\n',
    'test_b.py': 'import time\ndef test_x(): time.sleep(60)\n',
  });
  await using server = await startTcpServer();
  const mark = `frozen-${process.pid}`;
  const settings = { SHARDLINE_REDIS_URL: server.url, CHAOS_MARK: mark };
  const agent = project.shardline(['agent', '-n', '2'], settings);
  const running = project.shardline(['run', '--verbose', ...out], { SHARDLINE_REDIS_URL: server.url });
  await said(running, /joined: 2 workers/);
  await eventually('pytest, two workers and the watch are there', async () => (await marked(mark)).length >= 5);
  agent.kill('SIGSTOP');
  agent.kill('SIGKILL');
  await agent;
  await eventually('nothing of it is left', async () => (await marked(mark)).length === 0);
  running.kill('SIGINT');
  await running;
});

test('a run that loses Redis ends with the results so far (exit 11)', async () => {
  await using project = await newProject(suite);
  await using server = await startDurableRedis();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const running = project.shardline(['run', '--agents', '1', '-n', '1', '--verbose', '--redis-wait', '2s', ...out], settings);
  await said(running, /PASSED[\s\S]*PASSED/);
  await server.kill();
  const result = await running;
  expect(result.exitCode, result.all).toBe(11);
  expect(result.all).toMatch(/Lost Redis: .*\. Ending the run with the results so far\./);
  const { totals, tests, notRun } = await project.report();
  expect(tests.length).toBeGreaterThanOrEqual(2);
  expect(totals.expected).toBe(tests.length + notRun.length);
  expect(new Set(notRun.map(({ reason }) => reason))).toEqual(new Set(['no-agent']));
});

test('a run that loses Redis while it is still planning ends by itself (exit 4)', async () => {
  await using project = await newProject({
    'conftest.py': "import pathlib, time\nwhile not pathlib.Path(__file__).with_name('released').exists(): time.sleep(0.05)\n",
    'test_a.py': 'def test_ok(): pass\n',
  });
  await using server = await startDurableRedis();
  const running = project.shardline(['run', '--redis-wait', '1s', ...out], { SHARDLINE_REDIS_URL: server.url });
  const redis = await connect(server.url, 'test');
  await eventually('the run is announced', async () => (await redis.exists(poolKeys('default').runs)) === 1);
  redis.disconnect();
  await server.kill();
  await release(project);
  const result = await running;
  expect(result.exitCode, result.all).toBe(4);
  expect(result.all).toContain('lost the connection and could not reconnect (after 1 s)');
});

test('a Redis that is full or read-only for a while costs no result and no agent', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'test');
  const refusals = async (): Promise<number> => {
    const counts = (await redis.info('commandstats')).matchAll(/(?:failed|rejected)_calls=(\d+)/g);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const whileRefusing = async (what: string): Promise<void> => {
    const before = await refusals();
    await eventually(what, async () => (await refusals()) >= before + 6);
  };
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1'], settings);
  const running = project.shardline(['run', '--verbose', ...out], settings);
  await said(running, /PASSED/);
  await redis.config('SET', 'maxmemory', '1');
  await whileRefusing('it was full for agent and coordinator');
  await redis.config('SET', 'maxmemory', '0');
  await redis.call('REPLICAOF', '127.0.0.1', '1');
  await whileRefusing('it was read-only for agent and coordinator');
  await redis.call('REPLICAOF', 'NO', 'ONE');
  redis.disconnect();
  const result = await running;
  expect(result.exitCode, result.all).toBe(0);
  expect(outcomesOf(await project.report())).toEqual(all);
  agent.kill('SIGTERM');
  expect((await agent).exitCode).toBe(0);
});

test('a run refuses to start with a full Redis (exit 4)', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer('--maxmemory', '1', '--maxmemory-policy', 'noeviction');
  const result = await project.shardline(['run', ...out], { SHARDLINE_REDIS_URL: server.url });
  expect(result.exitCode, result.all).toBe(4);
  expect(result.all).toMatch(/accepts no writes: OOM/);
});

test('a Redis that stays read-only ends the run with the results so far (exit 11)', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1'], settings);
  const running = project.shardline(['run', '--verbose', '--redis-wait', '2s', ...out], settings);
  await said(running, /PASSED/);
  const redis = await connect(server.url, 'test');
  await redis.call('REPLICAOF', '127.0.0.1', '1');
  redis.disconnect();
  const result = await running;
  expect(result.exitCode, result.all).toBe(11);
  const { totals, tests, notRun } = await project.report();
  expect(totals.expected).toBe(tests.length + notRun.length);
  expect(new Set(notRun.map(({ reason }) => reason))).toEqual(new Set(['no-agent']));
  // On SIGTERM the agent would wait until Redis accepts writes, to hand back its attempts.
  agent.kill('SIGKILL');
  await agent;
});

test('a second interrupt ends the run at once with the results so far, even if a test ignores signals (exit 2)', async () => {
  await using project = await newProject({
    'test_a.py':
      'import signal, time\ndef test_quick(): pass\ndef test_deaf():\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    end = time.time() + 60\n    while time.time() < end: time.sleep(1)\n',
  });
  const running = project.shardline(['run', '-n', '1', '--verbose', ...out]);
  await said(running, /PASSED/);
  running.kill('SIGINT');
  await said(running, /Interrupted: finishing up/);
  running.kill('SIGINT');
  const result = await running;
  expect(result.exitCode, result.all).toBe(2);
  expect(outcomesOf(await project.report())).toEqual({ 'test_a.py::test_quick': 'passed' });
});

test('--resume refuses an unknown run (exit 4)', async () => {
  await using project = await newProject({ 'test_a.py': 'def test_ok(): pass\n' });
  const absent = await project.shardline(['run', '--resume', 'no-such-run', ...out]);
  expect(absent.exitCode).toBe(4);
  expect(absent.all).toContain('Could not resume run');
  expect((await project.shardline(['run', '--resume', 'no-such-run', 'tests', ...out])).exitCode).toBe(4);
});
