// Links in a workspace that lead to files elsewhere on the machine of an agent.

import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

test('an agent does not run a file to which only a link in its workspace leads, and runs the rest', { timeout: 180_000 }, async () => {
  await using project = await newProject({ 'test_a.py': 'def test_it(): pass\n' });
  await using elsewhere = await newProject({});
  const ran = join(elsewhere.directory, 'ran');
  await mkdir(join(elsewhere.directory, 'files'));
  await writeFile(join(elsewhere.directory, 'files', 'test_far.py'), `open(${JSON.stringify(ran)}, 'w')\ndef test_it(): pass\n`);
  await symlink(join(elsewhere.directory, 'files'), join(project.directory, 'linked'));
  await using server = await startTcpServer();
  const agent = project.shardline(['agent', '--redis', server.url, '--name', 'far', '-n', '1', '--accept-args', 'safe']);
  try {
    await said(agent, /waiting for runs/);
    const run = await project.shardline([
      'run',
      '--redis',
      server.url,
      '--agents',
      '0',
      '--wait-agents',
      '10s',
      '--collect',
      'file',
      '--out',
      'out',
    ]);
    expect(run.exitCode, run.all).toBe(11);
    const report = await project.report();
    expect(outcomesOf(report)).toMatchObject({ 'test_a.py::test_it': 'passed' });
    expect(report.notRun.map(({ nodeid }) => nodeid)).toEqual(['linked/test_far.py']);
    expect(run.all).toContain('lie outside its workspace: linked/test_far.py');
    await expect(readFile(ran)).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    agent.kill('SIGKILL');
    await agent;
  }
});
