// A run that no agent serves: it says which agents its pool has, and why each of them stays away.

import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject } from '../support/shardline.ts';

const suite = {
  'test_it.py': 'import os, time\ndef test_it():\n    open("ran", "w").close()\n    while not os.path.exists("gate"): time.sleep(0.05)\n',
};

test('names agents that decline an unsigned run or an unknown key, and agents that drain', { timeout: 240_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  for (const key of ['run.key', 'other.key']) expect((await project.shardline(['keygen', key])).exitCode).toBe(0);
  const run = (out: string, ...more: readonly string[]) =>
    project.shardline(['run', '--out', out, '--wait-agents', '7s', '--fingerprint', 'off', ...more], settings);
  const absent = async (out: string): Promise<unknown> => JSON.parse(await project.read(`${out}/report.json`)).absent;

  const empty = await run('empty', '--pool', 'empty');
  expect(empty.exitCode, empty.all).toBe(11);
  expect(empty.stderr).toContain(
    'No agent joined the run: there is none in pool empty. Fix: start one with `shardline agent --pool empty`',
  );

  const strict = project.shardline(['agent', '--name', 'strict', '--trust', 'run.key.pub', '-n', '1'], settings);
  const lenient = project.shardline(['agent', '--name', 'lenient', '-n', '1', '--drain-timeout', '100s'], settings);
  const commands = [strict, lenient];
  try {
    const introductions = await Promise.all([strict, lenient].map((agent) => said(agent, /agent (\S+): waiting for runs/)));
    const [strictName = '', lenientName = ''] = introductions.map(([, name]) => name);
    const slow = run('slow', '--collect', 'file');
    commands.push(slow);
    await eventually('the test runs', () => readdirSync(project.directory).includes('ran'));
    process.kill(lenient.pid ?? 0, 'SIGTERM');
    await eventually('the fleet shows both', async () => {
      const { stdout } = await project.shardline(['status'], settings);
      return stdout.includes('draining, leaves') && /declined run \S+: the run is not signed/.test(stdout);
    });

    const unsigned = await run('unsigned');
    expect(unsigned.exitCode, unsigned.all).toBe(11);
    expect(unsigned.stderr).toContain(
      `Agent ${strictName} declined the run: the run is not signed, and agents with --trust serve only signed runs. Fix: start the run with --sign-key FILE`,
    );
    expect(unsigned.stderr.match(/declined the run/g)).toHaveLength(1);
    expect(unsigned.stdout).toContain(`NOT JOINED agent ${strictName} of the pool - declined the run: the run is not signed`);
    expect(unsigned.stdout).toContain(`NOT JOINED agent ${lenientName} of the pool - draining, so it takes no runs`);
    expect(await absent('unsigned')).toEqual([
      { why: 'not-signed', agents: 1, example: strictName },
      { why: 'draining', agents: 1, example: lenientName },
    ]);

    const foreign = await run('foreign', '--sign-key', 'other.key');
    expect(foreign.exitCode, foreign.all).toBe(11);
    expect(foreign.stderr).toContain(
      `Agent ${strictName} declined the run: the run is signed with a key that is not in the --trust file of the agent.`,
    );
    expect(await absent('foreign')).toMatchObject([{ why: 'unknown-key', example: strictName }, { why: 'draining' }]);

    await writeFile(join(project.directory, 'gate'), '');
    const served = await slow;
    expect(served.exitCode, served.all).toBe(0);
    expect(await absent('slow')).toEqual([]);
    expect((await lenient).exitCode).toBe(0);
  } finally {
    for (const command of commands) command.kill('SIGKILL');
    await Promise.all(commands);
  }
});
