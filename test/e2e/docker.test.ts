// Coordinator and agents in containers with a real Redis container: started one by one, and by docker/compose.yaml.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { GenericContainer, Network, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../shared/domain/report.ts';
import { buildImages, composed, imageOf, removeImages } from '../support/compose.ts';
import { redisImage, whyNoDocker } from '../support/docker-gate.ts';
import { testPython } from '../support/python.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples', 'small');
const totals = { expected: 10, passed: 9, skipped: 1, failed: 0, error: 0, notRun: 0 };
const why = whyNoDocker();
if (why !== null) console.warn(`Docker tests ${why}`);

const readReport = async (path: string): Promise<Report> => JSON.parse(await readFile(path, 'utf8')) as Report;

describe.skipIf(why !== null)('with a Docker engine', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shardline-docker-'));
    await buildImages('coordinator', 'agent');
  }, 600_000);
  afterAll(async () => {
    await removeImages('coordinator', 'agent');
    await rm(dir, { recursive: true, force: true });
  });

  describe('a Redis container', () => {
    let network: StartedNetwork;
    let redis: StartedTestContainer;
    beforeAll(async () => {
      network = await new Network().start();
      redis = await new GenericContainer(redisImage)
        .withCommand(['redis-server', '--protected-mode', 'no', '--save', '', '--appendonly', 'no'])
        .withNetwork(network)
        .withNetworkAliases('redis')
        .withExposedPorts(6379)
        .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
        .start();
    });
    afterAll(async () => {
      await redis?.stop();
      await network?.stop();
    });

    test('serves a run of this machine', async () => {
      const out = join(dir, 'host');
      const url = `redis://${redis.getHost()}:${redis.getMappedPort(6379)}`;
      const args = ['run', '--redis', url, '--agents', '1', '-n', '2', '--python', testPython(), '--workspace', example, '--out', out];
      await execa(process.execPath, [join(root, 'cli/shardline.ts'), ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
      expect((await readReport(join(out, 'report.json'))).totals).toMatchObject(totals);
    });

    test('serves a run between a coordinator container and an agent container without root', async () => {
      const inNetwork = (image: string) =>
        new GenericContainer(image)
          .withNetwork(network)
          .withEnvironment({ SHARDLINE_REDIS_URL: 'redis://redis:6379' })
          .withBindMounts([{ source: example, target: '/workspace', mode: 'ro' }]);
      await using agent = await inNetwork(imageOf('agent')).start();
      expect((await agent.exec(['id', '-u'])).output.trim()).toBe('10001');
      const logs: string[] = [];
      await using coordinator = await inNetwork(imageOf('coordinator'))
        .withWaitStrategy(Wait.forOneShotStartup())
        .withStartupTimeout(120_000)
        .withLogConsumer((stream) => stream.on('data', (chunk: Buffer) => logs.push(chunk.toString())))
        .start()
        .catch((error: unknown) => {
          throw new Error(`the coordinator container failed:\n${logs.join('')}`, { cause: error });
        });
      const report = join(dir, 'containers.json');
      await execa('docker', ['cp', `${coordinator.getId()}:/out/report.json`, report]);
      expect((await readReport(report)).totals).toMatchObject(totals);
    }, 180_000);
  });

  test.each([
    ['without a password', ['compose.yaml']],
    ['with a password', ['compose.yaml', 'compose.password.yaml']],
  ])(
    'docker compose %s runs the example with two agents, and no container has more rights than it needs',
    async (_, files) => {
      await using project = composed('small', files, { REDIS_PASSWORD: 'only-this-project' });
      const { compose, docker } = project;
      await compose('up', '--no-build', '--scale', 'agent=2', '--abort-on-container-exit', '--exit-code-from', 'coordinator');
      const report = join(dir, 'compose.json');
      await compose('cp', 'coordinator:/out/report.json', report);
      const { agents, totals: found } = await readReport(report);
      expect(found).toMatchObject(totals);
      expect(agents.length).toBeGreaterThan(0);
      const containers = (await compose('ps', '--all', '--quiet')).split('\n').filter((line) => /^[0-9a-f]{64}$/.test(line));
      expect(containers).toHaveLength(4);
      for (const { Config, HostConfig } of JSON.parse(await docker('inspect', ...containers)) as readonly Inspected[]) {
        expect({ ...Config, ...HostConfig }).toMatchObject({
          User: expect.stringMatching(/^1000[12]$/),
          Healthcheck: { Test: expect.any(Array) },
          ReadonlyRootfs: true,
          CapDrop: ['ALL'],
          CapAdd: null,
          Privileged: false,
          SecurityOpt: ['no-new-privileges:true'],
          Memory: expect.any(Number),
          PidsLimit: expect.any(Number),
        });
        expect(HostConfig.Memory).toBeGreaterThan(0);
        expect(HostConfig.PidsLimit).toBeGreaterThan(0);
      }
    },
    300_000,
  );
});

/** What `docker inspect` says about a container, as far as these tests read it. */
interface Inspected {
  readonly Config: object;
  readonly HostConfig: { readonly Memory: number; readonly PidsLimit: number };
}
