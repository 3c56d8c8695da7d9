// Errors whose text somebody else wrote, printed by the program as it is: neither a terminal nor a CI job obeys them.

import { expect, test } from 'vitest';
import { agentId, runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject } from '../support/shardline.ts';

/** Clears the screen, writes the clipboard, and commands several CI providers. */
const HOSTILE = '\u001b[2J\u001b]52;c;aGk=\u0007\n::set-output name=a::b\n##vso[task.setvariable variable=a]b';
const SHOWN = '\\x1B[2J\\x1B]52;c;aGk=\\x07';

/** `shown` is what must be there of the hostile text. */
function expectInert(printed: string, shown = SHOWN): void {
  expect(printed).toContain(shown);
  expect(printed).not.toContain('\u001b[2J');
  expect(printed).not.toContain('\u001b]52');
  expect(printed).not.toContain('\u0007');
  expect(printed.split('\n').filter((line) => /^\s*::set-output|##vso\[/.test(line))).toEqual([]);
}

const settings = { GITHUB_ACTIONS: 'true', TF_BUILD: 'True', CI: 'true' };

test('an error of pytest about its arguments', { timeout: 120_000 }, async () => {
  await using project = await newProject({ 'test_a.py': 'def test_it(): pass\n' });
  const { exitCode, all } = await project.shardline(['run', '--out', 'out', '--', `--none${HOSTILE}`], settings);
  expect(exitCode, all).toBe(4);
  expectInert(all);
});

test('an error of a conftest', { timeout: 120_000 }, async () => {
  const conftest = `import pytest\ndef pytest_collection(session): raise pytest.UsageError(${JSON.stringify(HOSTILE)})\n`;
  await using project = await newProject({ 'conftest.py': conftest, 'test_a.py': 'def test_it(): pass\n' });
  const { exitCode, all } = await project.shardline(['run', '-n', '1', '--out', 'out'], settings);
  expect(exitCode, all).not.toBe(0);
  expectInert(all);
});

test('an error that somebody reports in Redis in the name of an agent', { timeout: 120_000 }, async () => {
  await using project = await newProject({ 'test_a.py': 'import time\ndef test_it(): time.sleep(3)\n' });
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  try {
    const run = project.shardline(['run', '--redis', server.url, '--agents', '1', '-n', '1', '--out', 'out'], settings);
    const [, name = ''] = await said(run, /Run (\S+):/);
    const id = runId(name);
    const sender = agentId('ghost');
    const unfit = {
      kind: 'agent-unfit',
      at: Date.now(),
      agent: sender,
      host: 'far',
      why: 'workspace',
      problem: `no commit ${HOSTILE}`,
      fingerprint: { files: null, python: null },
    } as const;
    await eventually('the run has begun', async () => (await redis.xlen(runKeys(id).events)) > 0, 60);
    const text = encodeEvents([unfit], { pool: 'default', run: id, sender, seq: 1, epoch: 0 });
    await redis.xadd(runKeys(id).events, '*', 'agent', sender, 'batch', text);
    const { exitCode, all } = await run;
    expect(exitCode, all).toBe(0);
    expectInert(all, '\n  \\::set-output name=a::b\n  ##vso\\[task.setvariable');
  } finally {
    redis.disconnect();
  }
});
