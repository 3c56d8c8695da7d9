// A run, which anyone who can write to Redis can announce, whose arguments would run code, write files or delete them on an agent.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { encodeSpec } from '../../shared/wire/run-spec.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject } from '../support/shardline.ts';
import { opened } from '../unit/core/run-kit.ts';

test('an agent runs nothing with arguments that run code, write files or delete them, and serves the next run', {
  timeout: 180_000,
}, async () => {
  await using project = await newProject({ 'test_a.py': 'def test_it(): pass\n' });
  await using elsewhere = await newProject({ 'kept/file': 'kept', 'evil.py': '', 'test_far.py': '' });
  const ran = join(elsewhere.directory, 'ran');
  for (const name of ['evil.py', 'test_far.py']) {
    await writeFile(join(elsewhere.directory, name), `open(${JSON.stringify(ran)}, 'w')\ndef test_it(): pass\n`);
  }
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1', '--accept-args', 'safe'], settings);
  let printed = '';
  agent.stderr.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const redis = await connect(server.url, 'attacker');
  try {
    await said(agent, /waiting for runs/);
    const far = elsewhere.directory;
    const { runs, opened: wake } = poolKeys('default');
    const forged: readonly (readonly string[])[] = [
      ['-o', `pythonpath=${far}`, '-p', 'evil'],
      [`--rootdir=${far}`, 'test_far.py'],
      [join(far, 'test_far.py')],
      [`--log-file=${join(far, 'conftest.py')}`, '--log-file-format=import os'],
      [`--basetemp=${join(far, 'kept')}`],
      ['@arguments.txt'],
    ];
    for (const [index, pytestArgs] of forged.entries()) {
      const spec = { ...opened([]).spec, runId: runId(`forged-${index}`), pytestArgs };
      await redis.hset(runs, spec.runId, encodeSpec(spec));
      await redis.set(runKeys(spec.runId).spec, encodeSpec(spec), 'EX', 60);
      await redis.xadd(wake, '*', 'run', spec.runId);
      const declined = `does not accept these arguments of run ${spec.runId} for pytest`;
      await eventually(`the agent declines ${spec.runId}`, () => printed.includes(declined), 60);
      await redis.hdel(runs, spec.runId);
    }
    expect([elsewhere.holds('ran'), elsewhere.holds('conftest.py'), elsewhere.holds('kept/file')]).toEqual([false, false, true]);
    const run = await project.shardline(['run', '--agents', '0', '--out', 'out'], settings);
    expect(run.exitCode, run.all).toBe(0);
  } finally {
    redis.disconnect();
    agent.kill('SIGKILL');
    await agent;
  }
});
