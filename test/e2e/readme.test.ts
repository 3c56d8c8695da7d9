// Runs every command of the README, except those in `elsewhere`, which a test or CI step runs.

import { expect, test } from 'vitest';
import { commandsOf, words } from '../support/doc-commands.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { newProject } from '../support/shardline.ts';

const elsewhere: Readonly<Record<string, string>> = {
  'npm start': 'CI',
  'npm test': 'CI',
  'shardline audit tests/': 'test/e2e/audit.test.ts',
  'shardline init --write': 'test/e2e/init.test.ts',
  "pip install 'shardline[all]'": 'test/e2e/wheel.test.ts, from the built wheel',
  'docker compose --file docker/compose.yaml up --scale agent=2': 'test/e2e/docker.test.ts',
};

const commands = commandsOf('README.md');
const runs = commands.filter((command) => command.startsWith('shardline run'));

test('some test or CI step runs every command', () => {
  const known = [
    ...Object.keys(elsewhere),
    ...runs,
    'shardline agent',
    'export SHARDLINE_REDIS_URL=redis://user:password@redis.example:6379',
  ];
  expect(commands.filter((command) => !known.includes(command))).toEqual([]);
  expect(runs.length).toBeGreaterThan(2);
});

test('its runs pass with the agent it starts', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\nmarkers = slow\n',
    'tests/test_a.py': 'import pytest\ndef test_a(): pass\n@pytest.mark.slow\ndef test_slow(): pass\n',
    'tests/test_b.py': 'def test_b(): pass\n',
  });
  await using server = await startTcpServer();
  const agent = project.shardline(['agent'], { SHARDLINE_REDIS_URL: server.url });
  let said = '';
  agent.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await eventually('the agent waits', () => said.includes('waiting for runs'));
  for (const command of runs) {
    const argv = words(command.replace('shardline ', '').replace('redis://redis.example:6379', server.url));
    const result = await project.shardline(argv);
    expect(result.exitCode, result.all).toBe(0);
  }
  agent.kill('SIGTERM');
  expect((await agent).exitCode).toBe(0);
  expect(said).toContain('joined run');
});
