import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

const out = ['--out', 'out'] as const;

test('isolates a test that kills its whole session, and runs every other test of the suite', async () => {
  const killer = 'import os, signal, time\ndef kill():\n    os.kill(os.getpgrp(), signal.SIGKILL)\n    time.sleep(60)\n';
  await using project = await newProject({
    'test_fine.py': 'import pytest\n@pytest.mark.parametrize("n", range(6))\ndef test_fine(n): pass\n',
    'test_killer.py': `${killer}def test_a(): pass\ndef test_kill(): kill()\ndef test_b(): pass\n`,
    'test_import.py': `${killer}kill()\n`,
  });
  // A file that kills the session on import cannot be isolated when all files are collected together.
  const result = await project.shardline(['run', '-n', '2', '--collect', 'file', ...out]);
  expect(result.exitCode, result.all).toBe(1);
  const report = await project.report();
  const fine = Array.from({ length: 6 }, (_, n) => [`test_fine.py::test_fine[${n}]`, 'passed']);
  expect(outcomesOf(report)).toEqual({
    ...Object.fromEntries(fine),
    'test_killer.py::test_a': 'passed',
    'test_killer.py::test_kill': 'error',
    'test_killer.py::test_b': 'passed',
  });
  expect(report.notRun).toMatchObject([{ nodeid: 'test_import.py', kind: 'file', reason: 'crash-limit' }]);
  expect(result.all).toMatch(/Shard s\d+ keeps crashing pytest; isolating it in \d+ parts?\./);
});

test('quarantines an agent on which every test fails, and runs its tests elsewhere', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [
      `test_${index}.py`,
      'import os, time\ndef test_x():\n    time.sleep(0.15)\n    assert "BROKEN" not in os.environ\n',
    ]),
  );
  await using project = await newProject(files);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agents = [
    project.shardline(['agent', '--name', 'good', '-n', '1'], settings),
    project.shardline(['agent', '--name', 'bad', '-n', '1'], { ...settings, BROKEN: '1' }),
  ];
  const said = agents.map(() => '');
  for (const [index, agent] of agents.entries()) agent.stderr.on('data', (chunk: Buffer) => (said[index] += chunk.toString()));
  await eventually('both wait', () => said.every((text) => text.includes('waiting for runs')));
  const result = await project.shardline(['run', ...out], settings);
  expect(result.exitCode, result.all).toBe(0);
  expect(result.all).toMatch(/Quarantined agent bad-\w+: its last \d+ tests failed while other agents' tests passed/);
  expect(result.stdout).toMatch(/^QUARANTINED agent bad-\w+ on \S+ - its last \d+ tests failed/m);
  expect(result.stdout.split('\n').at(-1)).toContain('2 agents (1 quarantined)');
  const { totals } = await project.report();
  expect(totals).toMatchObject({ expected: 30, passed: 30, failed: 0, notRun: 0 });
  expect(totals.flaky).toBeGreaterThanOrEqual(10);
  for (const agent of agents) agent.kill('SIGTERM');
  for (const agent of agents) expect((await agent).exitCode).toBe(0);
});
