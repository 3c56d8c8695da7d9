// Agents that trust a key serve only what that key has signed, whoever else can write to Redis.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../shared/domain/events.ts';
import { type AgentId, agentId, runId, shardId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { jobKey, poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { readSigner } from '../../shared/system/key-files.ts';
import { encodeCommand } from '../../shared/wire/control.ts';
import { COORDINATOR } from '../../shared/wire/envelope.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import { encodeSpec } from '../../shared/wire/run-spec.ts';
import { eventually } from '../support/eventually.ts';
import { forgedPass } from '../support/forged.ts';
import { startTcpServer } from '../support/redis.ts';
import { expectRejected } from '../support/rejected.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';
import { opened } from '../unit/core/run-kit.ts';

const slow = 'import time\ndef test_it(): time.sleep(0.5)\ndef test_more(): time.sleep(0.5)\n';
const suite = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`test_${index}.py`, slow]));
const allPassed = Object.fromEntries(
  Object.keys(suite).flatMap((file) => ['test_it', 'test_more'].map((name) => [`${file}::${name}`, 'passed'])),
);

test('an agent with --trust declines runs that are unsigned or signed with another key, and serves its own', {
  timeout: 180_000,
}, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  const settings = { SHARDLINE_REDIS_URL: server.url };
  for (const name of ['ours', 'theirs']) expect((await project.shardline(['keygen', name])).exitCode).toBe(0);
  const agent = project.shardline(['agent', '--name', 'far', '-n', '2', '--trust', 'ours.pub'], settings);
  try {
    let printed = '';
    agent.stderr.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    const { runs, opened: wake } = poolKeys('default');
    const spec = { ...opened([]).spec, runId: runId('forged') };
    await redis.hset(runs, 'forged', encodeSpec(spec));
    await redis.xadd(wake, '*', 'run', 'forged');
    await eventually('the agent declines the unsigned run', () => printed.includes('declined run forged: Could not trust'), 60);
    const other = await project.shardline(['run', '--sign-key', 'theirs', '--wait-agents', '3s', '--out', 'other'], settings);
    expect(other.exitCode, other.all).toBe(11);
    expect(printed).toContain('which is not trusted here');
    await redis.hdel(runs, 'forged');
    const run = await project.shardline(['run', '--sign-key', 'ours', '--out', 'out'], settings);
    expect(run.exitCode, run.all).toBe(0);
    expect(outcomesOf(await project.report())).toEqual(allPassed);
    agent.kill('SIGTERM');
    expect((await agent).exitCode).toBe(0);
  } finally {
    redis.disconnect();
    agent.kill('SIGKILL');
    await agent;
  }
});

test('a forged command and a changed job in a signed run have no effect', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    await project.shardline(['keygen', 'ours']);
    const run = project.shardline(['run', '--redis', server.url, '--agents', '1', '-n', '1', '--sign-key', 'ours', '--out', 'out']);
    const [, id = ''] = await said(run, /Run (\S+):/);
    const keys = runKeys(runId(id));
    const origin = { pool: 'default', run: runId(id), sender: COORDINATOR, seq: 1, epoch: 1 } as const;
    await eventually('the run has begun', async () => (await redis.xlen(keys.events)) > 0, 60);
    await redis.xadd(keys.control, '*', 'command', encodeCommand({ kind: 'close-run', by: 'cancelled' }, origin));
    // A job whose body was changed keeps its signature, which is then wrong.
    await eventually('a job was changed', async () => {
      const jobs = (await redis.keys(jobKey(keys, '*'))).filter((key) => /:s\d+\.1$/.test(key));
      let changed = 0;
      for (const key of jobs) {
        const data = await redis.hget(key, 'data');
        if (!data?.includes('test_5.py')) continue;
        await redis.hset(key, 'data', data.replaceAll('test_5.py', '../../etc/test_5.py'));
        changed += 1;
      }
      return changed > 0;
    });
    const { exitCode, all } = await run;
    expect(exitCode, all).toBe(0);
    expect(outcomesOf(await project.report())).toEqual(allPassed);
  } finally {
    redis.disconnect();
  }
});

describe('a run with --trust', () => {
  const red = { 'test_a.py': 'import time\ndef test_it():\n    time.sleep(2)\n    assert False\n' };

  test('counts only what its agents have signed', { timeout: 180_000 }, async () => {
    await using project = await newProject(red);
    await using server = await startTcpServer();
    const redis = await connect(server.url, 'attacker');
    try {
      for (const name of ['ours', 'theirs']) await project.shardline(['keygen', name]);
      const argv = ['run', '--redis', server.url, '--agents', '1', '-n', '1', '--sign-key', 'ours', '--trust', 'ours.pub', '--out', 'out'];
      const run = project.shardline(argv);
      const [, id = ''] = await said(run, /Run (\S+):/);
      const { events } = runKeys(runId(id));
      const name = agentId(`${id}-a1`);
      const address = { pool: 'default', run: runId(id) };
      await eventually('the test runs', async () => JSON.stringify(await redis.xrange(events, '-', '+')).includes('test-started'), 60);
      const forged = passed(name, (await redis.xrange(events, '-', '+')).map(([, fields]) => fields.join(' ')).join('\n'));
      const theirs = await readSigner(join(project.directory, 'theirs'));
      for (const signer of [null, theirs]) {
        const text = encodeEvents(forged, { ...address, sender: name, seq: 1000, epoch: 0 }, signer);
        await redis.xadd(events, '*', 'agent', name, 'batch', text);
      }
      await redis.xadd(events, '*', 'agent', name, 'batch', '{');
      const { exitCode, all } = await run;
      expect(exitCode, all).toBe(1);
      const report = await project.report();
      expect(outcomesOf(report)).toEqual({ 'test_a.py::test_it': 'failed' });
      expect(report.conflicts).toEqual([]);
      expectRejected(report, all, [{ agent: name, why: 'not-trusted', messages: 3 }]);
      expect(report.agents.map(({ ended }) => ended)).toEqual(['left']);
    } finally {
      redis.disconnect();
    }
  });

  test('leaves out an agent that signs nothing, and runs its tests elsewhere', { timeout: 180_000 }, async () => {
    await using project = await newProject(suite);
    await using server = await startTcpServer();
    await project.shardline(['keygen', 'ours']);
    const agent = project.shardline(['agent', '--redis', server.url, '--name', 'far', '-n', '1']);
    try {
      await said(agent, /waiting for runs/);
      const argv = [
        'run',
        '--redis',
        server.url,
        '--agents',
        '1',
        '-n',
        '1',
        '--collect',
        'file',
        '--sign-key',
        'ours',
        '--trust',
        'ours.pub',
        '--out',
        'out',
      ];
      const { exitCode, all } = await project.shardline(argv);
      expect(exitCode, all).toBe(0);
      const report = await project.report();
      expect(outcomesOf(report)).toEqual(allPassed);
      expect(new Set(report.tests.map(({ attempts }) => attempts[0]?.agent))).toEqual(new Set([`${report.runId}-a1`]));
      expect(report.rejected).toEqual([expect.objectContaining({ agent: expect.stringMatching(/^far-/), why: 'not-trusted' })]);
    } finally {
      agent.kill('SIGTERM');
      await agent;
    }
  });
});

/** What the agent would report if its only test had passed. `sent` is what it has sent so far. */
function passed(agent: AgentId, sent: string): readonly RunEvent[] {
  const [, shard = '', attempt = ''] = /attempt[^s]+s(\d+)\.(\d+)/.exec(sent) ?? [];
  return [forgedPass(agent, shardId(Number(shard)), Number(attempt))];
}
