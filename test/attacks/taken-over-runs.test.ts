// A trusted agent that speaks for another one while the coordinator changes: the next coordinator knows the key of each agent from the log.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentId, type RunId, runId, shardId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { readSigner } from '../../shared/system/key-files.ts';
import { decodeEnvelope, type Envelope } from '../../shared/wire/envelope.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import { eventually } from '../support/eventually.ts';
import { forgedEnd, forgedPass } from '../support/forged.ts';
import { startTcpServer } from '../support/redis.ts';
import { expectRejected } from '../support/rejected.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

/** The test fails once the file `go` exists. */
const red = {
  'test_a.py': [
    'import pathlib, time',
    'def test_it():',
    '    until = time.monotonic() + 60',
    '    while not pathlib.Path(__file__).with_name("go").exists() and time.monotonic() < until: time.sleep(0.05)',
    '    assert False',
    '',
  ].join('\n'),
};

type Redis = Awaited<ReturnType<typeof connect>>;

/** The messages of agents, in order. */
async function sentIn(redis: Redis, run: RunId): Promise<readonly Envelope[]> {
  const entries = await redis.xrange(runKeys(run).events, '-', '+');
  return entries.map(([, fields]) => decodeEnvelope(fields[fields.indexOf('batch') + 1] ?? '', 'the stream'));
}

test.each([
  ['from its file', 'out'],
  ['from its log in Redis', 'elsewhere'],
])(
  'an agent that speaks for another one after its run was taken over %s is rejected, and the run is red',
  {
    timeout: 180_000,
  },
  async (_, out) => {
    await using project = await newProject(red);
    await using server = await startTcpServer();
    const redis = await connect(server.url, 'attacker');
    const settings = { SHARDLINE_REDIS_URL: server.url };
    for (const name of ['run.key', 'agent.key', 'other.key']) expect((await project.shardline(['keygen', name])).exitCode).toBe(0);
    const trusted = await Promise.all(['agent', 'other', 'run'].map((name) => project.read(`${name}.key.pub`)));
    await writeFile(
      join(project.directory, 'trusted.pub'),
      ['agent', 'agent', 'coordinator'].map((use, at) => `Use: ${use}\n${trusted[at]}`).join(''),
    );
    const keys = ['--sign-key', 'run.key', '--trust', 'trusted.pub'] as const;
    const argv = ['agent', '--name', 'far', '-n', '1', '--sign-key', 'agent.key', '--trust', 'run.key.pub'];
    const agent = project.shardline(argv, settings);
    try {
      const first = project.shardline(['run', ...keys, '--out', 'out'], settings);
      const id = runId((await said(first, /Run (\S+):/))[1] ?? '');
      await eventually('the test runs', async () => (await sentIn(redis, id)).some(({ body }) => body.includes('test-started')), 60);
      const last = (await redis.xrevrange(runKeys(id).events, '+', '-', 'COUNT', 1))[0]?.[0] ?? '';
      const recorded = async (): Promise<string> => JSON.stringify(await redis.xrevrange(runKeys(id).log, '+', '-', 'COUNT', 50));
      await eventually('the coordinator has recorded that', async () => (await recorded()).includes(last), 30);
      first.kill('SIGKILL');
      await first;
      const sent = await sentIn(redis, id);
      const name = agentId(sent.at(-1)?.sender ?? '');
      const [, shard = '', attempt = ''] = /attempt[^s]+s(\d+)\.(\d+)/.exec(sent.map(({ body }) => body).join('\n')) ?? [];
      const origin = { pool: 'default', run: id, sender: name, seq: (sent.at(-1)?.seq ?? 0) + 1, epoch: 0 };
      const forged = [forgedPass, forgedEnd].map((forge) => forge(name, shardId(Number(shard)), Number(attempt)));
      const text = encodeEvents(forged, origin, await readSigner(join(project.directory, 'other.key')));
      await redis.xadd(runKeys(id).events, '*', 'agent', name, 'batch', text);
      await writeFile(join(project.directory, 'go'), '');
      const { exitCode, all } = await project.shardline(['run', '--resume', id, ...keys, '--out', out], settings);
      expect(exitCode, all).toBe(1);
      const report = await project.report(out);
      expect(outcomesOf(report)).toEqual({ 'test_a.py::test_it': 'failed' });
      expect(report).toMatchObject({ verdict: 'failed', conflicts: [], missingMessages: [] });
      expectRejected(report, all, [{ agent: name, why: 'not-trusted', messages: 1 }]);
    } finally {
      redis.disconnect();
      agent.kill('SIGTERM');
      await agent;
    }
  },
);
