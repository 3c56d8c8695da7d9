// A run without --trust believes what it reads from Redis. Messages of a sender that does not serve it do not count, and forged ones that
// do count may cost the run its verdict, but never make it green.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../shared/domain/events.ts';
import { type AgentId, agentId, runId, shardId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { encodeCommand } from '../../shared/wire/control.ts';
import { COORDINATOR } from '../../shared/wire/envelope.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import { eventually } from '../support/eventually.ts';
import { forgedPass } from '../support/forged.ts';
import { startTcpServer } from '../support/redis.ts';
import { expectRejected } from '../support/rejected.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';
import { joined } from '../unit/core/run-kit.ts';

/** Each test waits until somebody allows it to end, or for 20 s. */
const slow = (assertion: string): string =>
  [
    'import os, time',
    'def test_it():',
    '    until = time.monotonic() + 20',
    '    while not os.path.exists("go") and time.monotonic() < until: time.sleep(0.05)',
    `    assert ${assertion}`,
    '',
  ].join('\n');

type Redis = Awaited<ReturnType<typeof connect>>;

/** A run whose only agent has begun its only test. */
async function startRun(project: Project, url: string, redis: Redis) {
  const run = project.shardline([
    'run',
    '--redis',
    url,
    '--agents',
    '1',
    '-n',
    '1',
    '--collect',
    'file',
    '--wait-agents',
    '5s',
    '--out',
    'out',
  ]);
  const [, name = ''] = await said(run, /Run (\S+):/);
  const id = runId(name);
  const sent = async (): Promise<string> =>
    (await redis.xrange(runKeys(id).events, '-', '+')).map(([, fields]) => fields.join(' ')).join('\n');
  await eventually('the test runs', async () => (await sent()).includes('test-started'), 60);
  const [, shard = '', attempt = ''] = /attempt[^s]+s(\d+)\.(\d+)/.exec(await sent()) ?? [];
  const send = async (sender: AgentId, text: string): Promise<void> => {
    await redis.xadd(runKeys(id).events, '*', 'agent', sender, 'batch', text);
  };
  const report = (sender: AgentId, ...events: readonly RunEvent[]): Promise<void> =>
    send(sender, encodeEvents(events, { pool: 'default', run: id, sender, seq: 1000, epoch: 0 }));
  return { run, id, agent: agentId(`${id}-a1`), shard: shardId(Number(shard)), attempt: Number(attempt), send, report };
}

const letGo = (project: Project): Promise<void> => writeFile(join(project.directory, 'go'), '');

test('messages of senders that may not report are rejected and counted, and change nothing', { timeout: 180_000 }, async () => {
  await using project = await newProject({ 'test_a.py': slow('False') });
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const { run, id, shard, attempt, send, report: tell } = await startRun(project, server.url, redis);
    const [ghost, stranger, many, bulky] = ['ghost', 'stranger', 'many', 'bulky'].map((name) => agentId(name)) as [
      AgentId,
      AgentId,
      AgentId,
      AgentId,
    ];
    await tell(ghost, forgedPass(ghost, shard, attempt));
    await tell(stranger, joined(stranger, Date.now()), forgedPass(stranger, shard, attempt));
    await tell(many, joined(many, Date.now(), Number.MAX_SAFE_INTEGER));
    await send('\u001b[2J/' as AgentId, '{');
    const empty = encodeEvents([], { pool: 'default', run: id, sender: bulky, seq: 1, epoch: 0 });
    await send(bulky, JSON.stringify({ ...JSON.parse(empty), body: `[${'1,'.repeat(1_000_000)}1]` }));
    await letGo(project);
    const { exitCode, all } = await run;
    expect(exitCode, all).toBe(1);
    const report = await project.report();
    expect(outcomesOf(report)).toEqual({ 'test_a.py::test_it': 'failed' });
    expect(report.conflicts).toEqual([]);
    expectRejected(report, all, [
      { agent: ghost, why: 'not-joined', messages: 1 },
      { agent: stranger, why: 'not-holding', messages: 1 },
      { agent: many, why: 'unreadable', messages: 1 },
      { agent: null, why: 'unreadable', messages: 1 },
      { agent: bulky, why: 'unreadable', messages: 1 },
    ]);
    expect(all).not.toContain('\u001b[2J');
  } finally {
    redis.disconnect();
  }
});

test('a result in the name of its agent that contradicts the true one is a conflict, and never green', { timeout: 180_000 }, async () => {
  await using project = await newProject({ 'test_a.py': slow('False') });
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const { run, agent, shard, attempt, report: tell } = await startRun(project, server.url, redis);
    await tell(agent, forgedPass(agent, shard, attempt));
    await letGo(project);
    const { exitCode, all } = await run;
    expect(exitCode, all).toBe(1);
    const report = await project.report();
    const nodeid = 'test_a.py::test_it';
    expect(report.conflicts).toEqual([{ nodeid, first: { agent, outcome: 'passed' }, second: { agent, outcome: 'failed' } }]);
    expect(all).toContain(`CONFLICT ${nodeid} - passed on ${agent}, failed on ${agent}`);
  } finally {
    redis.disconnect();
  }
});

test('a forged end of the run makes agents leave, and the run is not green', { timeout: 180_000 }, async () => {
  await using project = await newProject({ 'test_a.py': slow('True') });
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const { run, id } = await startRun(project, server.url, redis);
    const origin = { pool: 'default', run: id, sender: COORDINATOR, seq: 1000, epoch: 1 } as const;
    await redis.xadd(runKeys(id).control, '*', 'command', encodeCommand({ kind: 'close-run', by: 'cancelled' }, origin));
    const { exitCode, all } = await run;
    expect([2, 11], all).toContain(exitCode);
    const report = await project.report();
    expect(report.verdict).not.toBe('passed');
    expect(report.notRun.map(({ nodeid }) => nodeid)).toEqual(['test_a.py::test_it']);
  } finally {
    redis.disconnect();
  }
});
