// An agent that is to leave while it runs tests: it finishes them, hands back the rest, and nothing runs twice.

import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys } from '../../shared/redis/keys.ts';
import { requestDrain } from '../../shared/redis/presence.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { readSigner } from '../../shared/system/key-files.ts';
import { encodeDrain } from '../../shared/wire/fleet/drain.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, type Project } from '../support/shardline.ts';

/** Each test waits for the file `gate`, and each execution leaves a file in `ran`. */
const waiting = `
import os, pathlib, time
def test_it():
    (pathlib.Path("ran") / f"{pathlib.Path(__file__).stem}-{os.getpid()}").touch()
    while not os.path.exists("gate"): time.sleep(0.05)
`;
const suite = {
  ...Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`test_${index}.py`, waiting])),
  'ran/.keep': '',
};
const ranIn = (project: Project): readonly string[] => readdirSync(join(project.directory, 'ran')).filter((name) => name !== '.keep');
const openGate = (project: Project): Promise<void> => writeFile(join(project.directory, 'gate'), '');

type Command = ReturnType<Project['shardline']>;

async function agentOf(project: Project, argv: readonly string[], settings: Readonly<Record<string, string>>) {
  const agent = project.shardline(['agent', '-n', '2', ...argv], settings);
  let text = '';
  agent.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [, id = ''] = await said(agent, /agent (\S+): waiting for runs/);
  return { agent, id, printed: () => text };
}

/** `kill` of execa follows up with SIGKILL after 5 s. */
const sigterm = ({ pid }: Command): void => void process.kill(pid ?? 0, 'SIGTERM');

async function end(...commands: readonly Command[]): Promise<void> {
  for (const command of commands) command.kill('SIGKILL');
  await Promise.all(commands);
}

test('on SIGTERM an agent finishes what it runs and hands back the rest, and no test runs twice', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const first = await agentOf(project, ['--name', 'first', '--drain-timeout', '100s'], settings);
  const run = project.shardline(['run', '--out', 'out', '--fingerprint', 'off', '--collect', 'file'], settings);
  await eventually('both workers run a test', () => ranIn(project).length === 2);
  sigterm(first.agent);
  await eventually('the agent drains', () => first.printed().includes('draining: takes no more shards'));
  const shows = async (): Promise<string> => (await project.shardline(['status'], settings)).stdout;
  await eventually('status shows it', async () => /agent first-\S+: 2 shards running or queued\n[\s\S]*: draining/.test(await shows()));
  await openGate(project);
  expect((await first.agent).exitCode).toBe(0);
  const second = await agentOf(project, ['--name', 'second'], settings);
  const ended = await run;
  await end(second.agent);
  expect(ended.exitCode, ended.all).toBe(0);
  expect(ranIn(project)).toHaveLength(12);
  const report = await project.report();
  expect(report.tests.flatMap(({ attempts }) => attempts).length).toBe(12);
  expect(report.totals).toMatchObject({ passed: 12, notRun: 0 });
});

test('a second signal, and the end of --drain-timeout, interrupt what runs and hand it back', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const late = await agentOf(project, ['--name', 'late', '--drain-timeout', '1s'], settings);
  const twice = await agentOf(project, ['--name', 'twice', '--drain-timeout', '100s'], settings);
  const run = project.shardline(['run', '--out', 'out', '--fingerprint', 'off', '--collect', 'file'], settings);
  await eventually('all workers run a test', () => ranIn(project).length === 4);
  sigterm(late.agent);
  const left = await late.agent;
  expect(left.exitCode, left.all).toBe(0);
  sigterm(twice.agent);
  await eventually('the agent drains', () => twice.printed().includes('draining: takes no more shards'));
  sigterm(twice.agent);
  expect((await twice.agent).exitCode).toBe(0);
  await openGate(project);
  const next = await agentOf(project, ['--name', 'next'], settings);
  const ended = await run;
  await end(next.agent);
  expect(ended.exitCode, ended.all).toBe(0);
  expect((await project.report()).totals).toMatchObject({ passed: 12, notRun: 0 });
});

test('a run reports at once that only an agent that drains has a label', { timeout: 180_000 }, async () => {
  const labelled = waiting.replace('def test_it', 'import pytest\n@pytest.mark.requires("gpu")\ndef test_it');
  await using project = await newProject({ 'test_a.py': labelled, 'test_b.py': labelled, 'test_c.py': labelled, 'ran/.keep': '' });
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const gpu = (name: string) => agentOf(project, ['--name', name, '--label', 'gpu', '-n', '1', '--drain-timeout', '100s'], settings);
  const plain = await agentOf(project, ['--name', 'plain'], settings);
  const first = await gpu('first');
  const run = project.shardline(['run', '--out', 'out', '--fingerprint', 'off', '--collect', 'suite'], settings);
  const reported = said(run, /No agent has the label gpu: tests wait up to 60 s for one\./);
  await eventually('the agent runs a test', () => ranIn(project).length === 1);
  sigterm(first.agent);
  await reported;
  // The test that it runs has not ended.
  expect(() => process.kill(first.agent.pid ?? 0, 0)).not.toThrow();
  await openGate(project);
  expect((await first.agent).exitCode).toBe(0);
  const second = await gpu('second');
  const ended = await run;
  await end(second.agent, plain.agent);
  expect(ended.exitCode, ended.all).toBe(0);
  expect(ranIn(project)).toHaveLength(3);
});

test('agent --drain makes an agent elsewhere leave, and names the agents if there is none of that id', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const far = await agentOf(project, ['--name', 'far'], settings);
  const wrong = await project.shardline(['agent', '--drain', 'nobody'], settings);
  expect(wrong.exitCode).toBe(4);
  expect(wrong.stderr).toContain(`There is no agent nobody in the pool default.\nThe pool has ${far.id}.`);
  const drained = await project.shardline(['agent', '--drain', far.id], settings);
  expect(drained.exitCode, drained.all).toBe(0);
  expect(drained.stderr).toContain(`Agent ${far.id} has left.`);
  expect((await far.agent).exitCode).toBe(0);
});

test('an agent with --trust drains only on a signed request', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  for (const name of ['ours', 'theirs']) expect((await project.shardline(['keygen', name])).exitCode).toBe(0);
  const far = await agentOf(project, ['--name', 'far', '--trust', 'ours.pub', '--log-file', 'agent.log'], settings);
  const unsigned = await project.shardline(['agent', '--drain', far.id], settings);
  expect(unsigned.exitCode, unsigned.all).toBe(11);
  expect(unsigned.stderr).toContain(`Agent ${far.id} has not begun to drain 10 s after the request.`);
  expect(await project.read('agent.log')).toContain('it is not signed');
  const redis = await connect(server.url, 'attacker');
  const theirs = await readSigner(join(project.directory, 'theirs'));
  const ours = await readSigner(join(project.directory, 'ours'));
  const keys = poolKeys('default');
  const request = { pool: 'default', agent: agentId(far.id), at: await serverNow(redis, 'default') };
  const log = (text: string) => async (): Promise<boolean> => (await project.read('agent.log')).includes(text);
  await requestDrain(redis, keys, request, theirs);
  await eventually('the agent refuses another key', log('it is signed with key'));
  // A request that its signer has made for another pool, or long ago.
  await redis.hset(keys.drains, far.id, encodeDrain({ ...request, at: request.at - 3_600_000 }, ours));
  await eventually('the agent refuses an old request', log('it is out of date'));
  await redis.hset(keys.drains, far.id, encodeDrain({ ...request, pool: 'other' }, ours));
  await eventually('the agent refuses the request for another pool', log('found drain of run none of pool other'));
  redis.disconnect();
  expect(far.printed()).not.toContain('draining');
  const drained = await project.shardline(['agent', '--drain', far.id, '--sign-key', 'ours'], settings);
  expect(drained.exitCode, drained.all).toBe(0);
  expect((await far.agent).exitCode).toBe(0);
});
