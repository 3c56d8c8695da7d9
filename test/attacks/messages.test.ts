// Unreadable and foreign messages in Redis: each costs one message or its sender, never a run or the agents of a pool.

import { expect, test } from 'vitest';
import { agentId, runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { WIRE_VERSION } from '../../shared/wire/envelope.ts';
import { encodeSpec } from '../../shared/wire/run-spec.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { expectRejected } from '../support/rejected.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';
import { opened } from '../unit/core/run-kit.ts';

const suite = Object.fromEntries(
  Array.from({ length: 6 }, (_, index) => [
    `test_${index}.py`,
    'import time\ndef test_it(): time.sleep(0.5)\ndef test_more(): time.sleep(0.5)\n',
  ]),
);
const allPassed = Object.fromEntries(
  Object.keys(suite).flatMap((file) => ['test_it', 'test_more'].map((name) => [`${file}::${name}`, 'passed'])),
);

test('an agent declines runs of the pool that it cannot read, and serves the others', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const { runs, opened: wake } = poolKeys('default');
    const spec = { ...opened([]).spec, runId: runId('r1') };
    const entries = {
      'not-json': '{',
      newer: JSON.stringify({ ...JSON.parse(encodeSpec(spec)), version: WIRE_VERSION + 1 }),
      older: JSON.stringify({ ...JSON.parse(encodeSpec(spec)), version: WIRE_VERSION - 1 }),
      'of-another-run': encodeSpec(spec),
      '../no run': encodeSpec(spec),
    };
    await redis.hset(runs, entries);
    await redis.xadd(wake, '*', 'run', 'any');
    const settings = { SHARDLINE_REDIS_URL: server.url };
    const agent = project.shardline(['agent', '--name', 'far', '-n', '2'], settings);
    let printed = '';
    agent.stderr.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    await eventually('the agent declines four runs', () => printed.split('declined run ').length === 5, 60);
    expect(printed).toMatch(/declined run newer: Received a message in version /);
    const run = await project.shardline(['run', '--out', 'out'], settings);
    expect(run.exitCode, run.all).toBe(0);
    expect(outcomesOf(await project.report())).toEqual(allPassed);
    agent.kill('SIGTERM');
    expect((await agent).exitCode).toBe(0);
    expect(printed.split('declined run ')).toHaveLength(5);
  } finally {
    redis.disconnect();
  }
});

test('a message that cannot be read is rejected and counted, and costs a known sender the run', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const run = project.shardline(['run', '--redis', server.url, '--agents', '2', '-n', '1', '--out', 'out']);
    const [, id = ''] = await said(run, /Run (\S+):/);
    const { events, control } = runKeys(runId(id));
    await eventually('both agents have joined', async () => {
      const entries = await redis.xrange(events, '-', '+');
      return ['a1', 'a2'].every((name) => entries.some(([, fields]) => fields.includes(`${id}-${name}`)));
    });
    for (const batch of ['', '{', '[1e999]', 'x'.repeat(1000)]) await redis.xadd(events, '*', 'agent', 'ghost', 'batch', batch);
    await redis.xadd(events, '*', 'agent', '\u001b[2J/', 'batch', '{');
    await redis.xadd(events, '*', 'agent', `${id}-a1`, 'batch', '{');
    await redis.xadd(control, '*', 'command', 'no command');
    const { exitCode, all } = await run;
    expect(exitCode, all).toBe(0);
    const report = await project.report();
    expect(outcomesOf(report)).toEqual(allPassed);
    expectRejected(report, all, [
      { agent: agentId('ghost'), why: 'unreadable', messages: 4 },
      { agent: null, why: 'unreadable', messages: 1 },
      { agent: agentId(`${id}-a1`), why: 'unreadable', messages: 1 },
    ]);
    expect(report.agents.map(({ id: name, ended }) => [name, ended])).toEqual([
      [`${id}-a1`, 'quarantined'],
      [`${id}-a2`, 'left'],
    ]);
    expect(all).toContain('REJECTED 4 messages of agent ghost - could not be read. Fix: ');
    expect(all.match(/Rejected a message of agent ghost: .* Fix: /g)).toHaveLength(1);
    expect(all).not.toContain('\u001b[2J');
    const again = await project.shardline(['report', 'out/events.ndjson', '--json', 'again.json']);
    expect(again.exitCode, again.all).toBe(0);
    expect(JSON.parse(await project.read('again.json')).rejected).toEqual(report.rejected);
  } finally {
    redis.disconnect();
  }
});

test('batches of an earlier green run, and events in the name of another agent, change nothing', { timeout: 180_000 }, async () => {
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    await using green = await newProject({ 'test_a.py': 'import time\ndef test_it(): time.sleep(0.5)\n' });
    await using red = await newProject({ 'test_a.py': 'import time\ndef test_it():\n    time.sleep(2)\n    assert False\n' });
    const first = green.shardline(['run', '--redis', server.url, '--agents', '1', '-n', '1', '--out', 'out']);
    const [, firstId = ''] = await said(first, /Run (\S+):/);
    const copied: string[] = [];
    await eventually('the green run has all its results', async () => {
      const entries = await redis.xrange(runKeys(runId(firstId)).events, '-', '+');
      copied.splice(0, copied.length, ...entries.map(([, fields]) => fields[fields.indexOf('batch') + 1] ?? ''));
      return copied.some((text) => text.includes('attempt-ended'));
    });
    expect((await first).exitCode).toBe(0);

    const second = red.shardline(['run', '--redis', server.url, '--agents', '1', '-n', '1', '--out', 'out']);
    const [, id = ''] = await said(second, /Run (\S+):/);
    const { events } = runKeys(runId(id));
    await eventually('the red run has begun', async () => (await redis.xlen(events)) > 0, 60);
    for (const text of copied) {
      await redis.xadd(events, '*', 'agent', 'ghost', 'batch', text);
      // The same, for this run, from a sender that is not the agent of the events.
      const renamed = JSON.stringify({ ...JSON.parse(text), run: id, sender: 'ghost' });
      await redis.xadd(events, '*', 'agent', 'ghost', 'batch', renamed);
    }
    const { exitCode, all } = await second;
    expect(exitCode, all).toBe(1);
    const report = await red.report();
    expect(outcomesOf(report)).toEqual({ 'test_a.py::test_it': 'failed' });
    expectRejected(report, all, [{ agent: agentId('ghost'), why: 'unreadable', messages: 2 * copied.length }]);
  } finally {
    redis.disconnect();
  }
});

test('an agent whose messages are blocked by a raised counter ends, and the run goes on with the other', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const run = project.shardline(['run', '--redis', server.url, '--agents', '2', '-n', '1', '--out', 'out']);
    const [, id = ''] = await said(run, /Run (\S+):/);
    const { producers } = runKeys(runId(id));
    const muted = `${id}-a1`;
    await eventually('the agent has sent something', async () => (await redis.hexists(producers, muted)) === 1, 60);
    await redis.hset(producers, muted, 1_000_000);
    const { exitCode, all } = await run;
    expect(exitCode, all).toBe(0);
    expect(outcomesOf(await project.report())).toEqual(allPassed);
    expect(all).toContain('another process sends messages in the name of agent');
  } finally {
    redis.disconnect();
  }
});
