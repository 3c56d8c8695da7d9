// A fleet of containers over a Redis with TLS and an account for each side: one agent is killed, one loses its network and gets it back.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../shared/domain/report.ts';
import { buildImages, type Composed, composed, removeImages } from '../support/compose.ts';
import { whyNoDocker } from '../support/docker-gate.ts';
import { eventually } from '../support/eventually.ts';

const why = whyNoDocker();
if (why !== null) console.warn(`Docker tests ${why}`);
const targets = ['coordinator', 'agent', 'certificates'] as const;
const FILES = 20;
const TESTS = 6;

/** A suite of many slow tests; one in each file is skipped, and the outcome of none depends on where it runs. */
async function writeSuite(dir: string): Promise<void> {
  await mkdir(join(dir, 'tests'), { recursive: true });
  await writeFile(join(dir, 'pytest.ini'), '[pytest]\ntestpaths = tests\n');
  const body = `import time\nimport pytest\n\n@pytest.mark.parametrize("n", range(${TESTS}))\ndef test_slow(n):\n    time.sleep(0.7)\n    if n == 0:\n        pytest.skip("not here")\n`;
  for (let file = 0; file < FILES; file += 1) await writeFile(join(dir, 'tests', `test_${file}.py`), body);
}

/** Names and states of the containers of one service. */
async function containersOf({ compose }: Composed, service: string): Promise<readonly { Name: string; Health: string; State: string }[]> {
  const lines = (await compose('ps', '--all', '--format', 'json', service)).split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as { Name: string; Health: string; State: string });
}

/** Everything that the container has printed so far. */
function followLog(container: string): Disposable & { text(): string } {
  const child = execa('docker', ['logs', '--follow', container], { all: true, reject: false, buffer: false });
  let text = '';
  child.all.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  return { text: () => text, [Symbol.dispose]: () => void child.kill() };
}

describe.skipIf(why !== null)('with a Docker engine', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shardline-docker-'));
    await writeSuite(join(dir, 'suite'));
    await buildImages(...targets);
  }, 600_000);
  afterAll(async () => {
    await removeImages(...targets);
    await rm(dir, { recursive: true, force: true });
  });

  test('a run over TLS with separate accounts survives a killed agent and one without network', async () => {
    await using fleet = composed('fleet', ['compose.yaml', 'compose.tls.yaml'], {
      SHARDLINE_WORKSPACE: join(dir, 'suite'),
      COORDINATOR_PASSWORD: 'only-coordinator',
      AGENT_PASSWORD: 'only-agents',
    });
    const { compose, docker, project } = fleet;
    await compose('up', '--no-build', '--detach', '--scale', 'agent=3');
    const agents = (await containersOf(fleet, 'agent')).map(({ Name }) => Name);
    expect(agents).toHaveLength(3);
    const [killed = '', apart = ''] = agents;
    using log = followLog(`${project}-coordinator-1`);
    /** An agent's id begins with the name of its host, which is the short id of its container. */
    const hostOf = async (container: string): Promise<string> => (await docker('inspect', '--format', '{{.Id}}', container)).slice(0, 12);
    const [killedHost, apartHost] = [await hostOf(killed), await hostOf(apart)];
    /** The number of messages in the journal with results of an agent on this host. */
    const finishedOn = async (host: string): Promise<number> => {
      const count = `grep test-finished /out/events.ndjson | grep -c '"sender":"${host}' || true`;
      return Number(await docker('exec', `${project}-coordinator-1`, 'sh', '-c', count));
    };
    await eventually('tests have started', () => log.text().includes('Collected'));
    for (const host of [killedHost, apartHost]) await eventually(`${host} has run a test`, async () => (await finishedOn(host)) > 0);

    await docker('kill', killed);
    await docker('network', 'disconnect', `${project}_default`, apart);
    await eventually('two agents are lost', () => [killedHost, apartHost].every((host) => log.text().includes(`Lost agent ${host}`)));
    const before = await finishedOn(apartHost);
    await docker('network', 'connect', `${project}_default`, apart);
    await eventually('the agent without network runs tests again', async () => (await finishedOn(apartHost)) > before);

    const exitCode = (await docker('wait', `${project}-coordinator-1`)).trim();
    await compose('cp', 'coordinator:/out/report.json', join(dir, 'report.json'));
    const report = JSON.parse(await readFile(join(dir, 'report.json'), 'utf8')) as Report;
    expect({ exitCode, verdict: report.verdict }, log.text()).toEqual({ exitCode: '0', verdict: 'passed' });
    expect(report.totals).toMatchObject({
      expected: FILES * TESTS,
      passed: FILES * (TESTS - 1),
      skipped: FILES,
      failed: 0,
      error: 0,
      notRun: 0,
    });
    expect(report.tests.map(({ nodeid }) => nodeid)).toHaveLength(FILES * TESTS);
    const endings = Object.fromEntries(report.agents.map(({ host, ended }) => [host, ended]));
    expect(endings, log.text()).toMatchObject({ [killedHost]: 'lost', [apartHost]: 'left' });
    const states = await containersOf(fleet, 'agent');
    expect(states.map(({ Name, State, Health }) => ({ Name, State, Health }))).toEqual(
      agents.map((Name) =>
        Name === killed ? { Name, State: 'exited', Health: expect.any(String) } : { Name, State: 'running', Health: 'healthy' },
      ),
    );
  }, 300_000);
});
