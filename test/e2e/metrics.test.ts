// Metrics and health of a pool and of an agent, as Prometheus, KEDA and a supervisor read them.

import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject } from '../support/shardline.ts';

const suite = {
  'test_a.py': 'import os, time\ndef test_a():\n    while not os.path.exists("gate"): time.sleep(0.05)\n',
  'test_b.py': 'def test_b(): pass\n',
};

/** Samples by name and labels; null while the server answers otherwise. */
async function samplesAt(url: string): Promise<ReadonlyMap<string, number> | null> {
  const answer = await fetch(url);
  if (answer.status !== 200) return null;
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

test('serve asks for agents while a run waits, for none without a run, and is unhealthy without Redis', { timeout: 240_000 }, async () => {
  await using project = await newProject(suite);
  const server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const serve = project.shardline(
    ['serve', '--port', '0', '--metrics', '127.0.0.1:0', '--scale-target', '1s', '--max-agents', '3'],
    settings,
  );
  const commands = [serve];
  try {
    const [, url = ''] = await said(serve, /metrics at (\S+)\n/);
    const sample = async (name: string): Promise<number | undefined> => (await samplesAt(url))?.get(`shardline_${name}`);
    await eventually('no agent is wanted', async () => (await sample('desired_agents{pool="default"}')) === 0);

    const run = project.shardline(['run', '--out', 'out', '--wait-agents', '100s'], settings);
    commands.push(run);
    await eventually('an agent is wanted', async () => ((await sample('desired_agents{pool="default"}')) ?? 0) > 0);
    await eventually('the backlog is known', async () => ((await sample('backlog_seconds{pool="default"}')) ?? 0) > 0);
    expect(await sample('agents{state="waiting",pool="default"}')).toBe(0);

    const agent = project.shardline(['agent', '-n', '2', '--metrics', '127.0.0.1:0', '--drain-timeout', '100s'], settings);
    commands.push(agent);
    const [, ownUrl = ''] = await said(agent, /metrics at (\S+)\n/);
    await eventually('the agent is busy', async () => (await sample('agents{state="busy",pool="default"}')) === 1);
    await eventually('a worker has a shard', async () => ((await sample('slots_busy{pool="default"}')) ?? 0) > 0);
    expect(await sample('slots{pool="default"}')).toBe(2);
    await eventually('the agent counts its shards', async () => ((await samplesAt(ownUrl))?.get('shardline_agent_shards') ?? 0) > 0);
    expect((await fetch(new URL('/healthz', ownUrl))).status).toBe(200);
    expect((await fetch(new URL('/healthz', url))).status).toBe(200);
    expect((await fetch(new URL('/other', url))).status).toBe(404);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);

    process.kill(agent.pid ?? 0, 'SIGTERM');
    await eventually('the agent drains', async () => (await sample('agents{state="draining",pool="default"}')) === 1);
    expect(await sample('slots{pool="default"}')).toBe(0);

    await server[Symbol.asyncDispose]();
    await eventually('Redis is missed', async () => (await fetch(new URL('/healthz', url))).status === 503);
    expect(await (await fetch(new URL('/healthz', url))).text()).toMatch(/^Redis has not answered for \d+ s\.\n$/);
    expect((await fetch(url)).status).toBe(503);
  } finally {
    for (const command of commands) command.kill('SIGKILL');
    await Promise.all(commands);
    await server[Symbol.asyncDispose]();
  }
});

test('an address that is not of this machine is named', async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const agent = await project.shardline(['agent', '--metrics', '192.0.2.1:9464'], { SHARDLINE_REDIS_URL: server.url });
  expect(agent.exitCode).toBe(4);
  expect(agent.stderr).toContain('Could not serve metrics on 192.0.2.1 port 9464: the address is not one of this machine');
});
