// A trusted agent that speaks for another one while the coordinator changes: the next coordinator knows the key of each agent from the log.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type AgentId, agentId, type RunId, runId, shardId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { readSigner } from '../../shared/system/key-files.ts';
import { decodeEnvelope, type Envelope } from '../../shared/wire/envelope.ts';
import { encodeEvents } from '../../shared/wire/events.ts';
import type { Signer } from '../../shared/wire/signature.ts';
import { eventually } from '../support/eventually.ts';
import { forgedEnd, forgedPass } from '../support/forged.ts';
import { startTcpServer } from '../support/redis.ts';
import { expectRejected } from '../support/rejected.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

/** Fails once the file `go` exists. */
const red = [
  'import pathlib, time',
  'def test_it():',
  '    until = time.monotonic() + 60',
  '    while not pathlib.Path(__file__).with_name("go").exists() and time.monotonic() < until: time.sleep(0.05)',
  '    assert False',
  '',
].join('\n');
const go = (project: Project): Promise<void> => writeFile(join(project.directory, 'go'), '');

type Redis = Awaited<ReturnType<typeof connect>>;

/** The messages that were signed with this key, and their last place in the stream. */
async function sentWith({ keyId }: Signer, redis: Redis, run: RunId) {
  const entries = await redis.xrange(runKeys(run).events, '-', '+');
  const messages = entries.map(([position, fields]): readonly [string, Envelope] => [
    position,
    decodeEnvelope(fields[fields.indexOf('batch') + 1] ?? '', 'the stream'),
  ]);
  const own = messages.filter(([, message]) => message.keyId === keyId);
  const last = own.at(-1);
  if (last === undefined) return null;
  const events = own.flatMap(([, { body }]) => JSON.parse(body));
  const [position, { pool, sender, seq }] = last;
  return { position, pool, sender: agentId(sender), seq, running: events.find(isStart) ?? null };
}

const isStart = ({ event }: { readonly event?: { readonly kind: string } }): boolean => event?.kind === 'test-started';

/** Resolves once the coordinator has recorded every message of the agent with this key, which runs a test. */
async function recordedStart(signer: Signer, redis: Redis, run: RunId): Promise<void> {
  await eventually(
    'the coordinator has recorded that the test runs',
    async () => {
      const found = await sentWith(signer, redis, run);
      const records = await redis.xrevrange(runKeys(run).log, '+', '-', 'COUNT', 50);
      return found?.running != null && JSON.stringify(records).includes(found.position);
    },
    60,
  );
}

/** Reports with the key of another agent that the running test of an agent has passed, and returns that agent. */
async function speakFor(signer: Signer, other: Signer, redis: Redis, run: RunId): Promise<AgentId> {
  const found = await sentWith(signer, redis, run);
  if (found === null) throw new Error('the agent has sent nothing');
  const { pool, sender, seq, running } = found;
  const [shard = '', attempt = ''] = running.attempt.slice(1).split('.');
  const file = running.event.nodeid.split('::')[0];
  const forged = [forgedPass, forgedEnd].map((forge) => forge(sender, shardId(Number(shard)), Number(attempt), file));
  const text = encodeEvents(forged, { pool, run, sender, seq: seq + 1, epoch: 0 }, other);
  await redis.xadd(runKeys(run).events, '*', 'agent', sender, 'batch', text);
  return sender;
}

test.each([
  ['from its file', 'out'],
  ['from its log in Redis', 'elsewhere'],
])(
  'an agent that speaks for another one after its run was taken over %s is rejected, and the run is red',
  async (_, out) => {
    await using project = await newProject({ 'test_a.py': red });
    await using server = await startTcpServer();
    const redis = await connect(server.url, 'attacker');
    const settings = { SHARDLINE_REDIS_URL: server.url };
    const uses = { 'agent.key': 'agent', 'other.key': 'agent', 'run.key': 'coordinator' };
    for (const name of Object.keys(uses)) expect((await project.shardline(['keygen', name])).exitCode).toBe(0);
    const trusted = Object.entries(uses).map(async ([name, use]) => `Use: ${use}\n${await project.read(`${name}.pub`)}`);
    await writeFile(join(project.directory, 'trusted.pub'), (await Promise.all(trusted)).join(''));
    const [own, other] = await Promise.all(['agent.key', 'other.key'].map((name) => readSigner(join(project.directory, name))));
    if (own === undefined || other === undefined) throw new Error('there are no keys');
    const keys = ['--sign-key', 'run.key', '--trust', 'trusted.pub'] as const;
    const argv = ['agent', '--name', 'far', '-n', '1', '--sign-key', 'agent.key', '--trust', 'run.key.pub'];
    const agent = project.shardline(argv, settings);
    try {
      const first = project.shardline(['run', ...keys, '--out', 'out'], settings);
      const id = runId((await said(first, /Run (\S+):/))[1] ?? '');
      await recordedStart(own, redis, id);
      first.kill('SIGKILL');
      await first;
      const name = await speakFor(own, other, redis, id);
      await go(project);
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
  180_000,
);

test('a CI job whose key speaks for the agent of the job that takes its run over is rejected, and no test passes', async () => {
  const files = Array.from({ length: 8 }, (_, index) => `test_${index}.py`);
  const suite = Object.fromEntries(files.map((file) => [file, red]));
  await using one = await newProject(suite);
  await using two = await newProject(suite);
  await using pool = await newProject({});
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  const poolKey = join(pool.directory, 'pool.key');
  expect((await pool.shardline(['keygen', poolKey, '--pool-key'])).exitCode).toBe(0);
  const signers: Signer[] = [];
  for (const { directory, shardline } of [one, two]) {
    await mkdir(join(directory, 'keys'));
    await copyFile(`${poolKey}.pub`, join(directory, 'keys', 'pool.key.pub'));
    const key = join(directory, 'keys', 'job.key');
    expect((await shardline(['keygen', key, '--certify', poolKey, '--role', 'both', '--pools', 'ci-*'])).exitCode).toBe(0);
    signers.push(await readSigner(key));
  }
  const [other, own] = signers as [Signer, Signer];
  const ci = ({ shardline }: Project) =>
    shardline(['ci', '--run-id', 'nightly', '-n', '1', '--out', 'out', '--sign-key', 'keys/job.key', '--trust', 'keys/pool.key.pub'], {
      SHARDLINE_REDIS_URL: server.url,
    });
  const leader = ci(one);
  let next: typeof leader | null = null;
  try {
    const id = runId((await said(leader, /this job coordinates run (\S+) and/))[1] ?? '');
    next = ci(two);
    await recordedStart(own, redis, id);
    leader.kill('SIGKILL');
    await leader;
    const agent = await speakFor(own, other, redis, id);
    await Promise.all([go(one), go(two)]);
    const { exitCode, all } = await next;
    expect(exitCode, all).toBe(1);
    const report = await two.report();
    expect(outcomesOf(report)).toEqual(Object.fromEntries(files.map((file) => [`${file}::test_it`, 'failed'])));
    expectRejected(report, all, [{ agent, why: 'not-trusted', messages: 1 }]);
  } finally {
    redis.disconnect();
    for (const job of [leader, next]) job?.kill('SIGKILL');
    await Promise.all([leader, next]);
  }
}, 180_000);
