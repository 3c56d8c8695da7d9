// What CI jobs and --resume take from Redis: the log of the run and the verdict of its coordinator count only if a trusted key has signed them.

import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { poolOfGroup, runOfGroup } from '../../coordinator/ci/group.ts';
import { runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { groupKeys, runKeys } from '../../shared/redis/keys.ts';
import { readSigner } from '../../shared/system/key-files.ts';
import { decodeEnvelope, encodeMessage } from '../../shared/wire/envelope.ts';
import { encodeVerdict } from '../../shared/wire/group.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

const body = 'import time\ndef test_x(): time.sleep(0.5)\ndef test_y(): time.sleep(0.5)\n';
const suite = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`test_${index}.py`, body]));
const allPassed = Object.fromEntries(
  Object.keys(suite).flatMap((file) => ['test_x', 'test_y'].map((name) => [`${file}::${name}`, 'passed'])),
);

/** A project with the public pool key, and a key of its own that the pool key certifies for every part of a CI job. */
async function newJob(project: Project, pool: Project): Promise<void> {
  const keys = join(project.directory, 'keys');
  await mkdir(keys);
  await copyFile(join(pool.directory, 'pool.key.pub'), join(keys, 'pool.key.pub'));
  const argv = ['keygen', join(keys, 'job.key'), '--certify', join(pool.directory, 'pool.key'), '--role', 'both', '--pools', 'ci-*'];
  const { exitCode, all } = await project.shardline(argv);
  expect(exitCode, all).toBe(0);
}

const buildkite = (url: string, index: number): Readonly<Record<string, string>> => ({
  SHARDLINE_REDIS_URL: url,
  BUILDKITE: 'true',
  BUILDKITE_BUILD_ID: 'build-1',
  BUILDKITE_STEP_ID: 'tests',
  BUILDKITE_PARALLEL_JOB: String(index - 1),
  BUILDKITE_PARALLEL_JOB_COUNT: '2',
  BUILDKITE_JOB_ID: `job-${index}`,
});
const KEYS = ['--sign-key', 'keys/job.key', '--trust', 'keys/pool.key.pub'] as const;
const ci = (project: Project, url: string, index: number) =>
  project.shardline(['ci', '-n', '1', '--verbose', '--out', 'out', ...KEYS], buildkite(url, index));

/** Starts two jobs, and returns the one that coordinates the run once two tests have passed, and the other. */
async function startTwo(url: string, projects: readonly [Project, Project]) {
  const jobs = projects.map((project, index) => ({ project, job: ci(project, url, index + 1) }));
  const leader = await Promise.any(
    jobs.map(async (each) => {
      await said(each.job, /PASSED[\s\S]*PASSED/);
      return each;
    }),
  );
  const other = jobs.find((each) => each !== leader);
  if (other === undefined) throw new Error('there is no other job');
  return { leader, other };
}

test('a job takes the run of a killed job over from its signed log, and commands all agents with its own key', {
  timeout: 180_000,
}, async () => {
  await using pool = await newProject({});
  await using one = await newProject(suite);
  await using two = await newProject(suite);
  await using server = await startTcpServer();
  expect((await pool.shardline(['keygen', 'pool.key', '--pool-key'])).exitCode).toBe(0);
  for (const project of [one, two]) await newJob(project, pool);
  const { leader, other } = await startTwo(server.url, [one, two]);
  leader.job.kill('SIGKILL');
  const { exitCode, all } = await other.job;
  expect(exitCode, all).toBe(0);
  expect(all).toContain('this job now coordinates run');
  const report = await other.project.report();
  expect(outcomesOf(report)).toEqual(allPassed);
  expect(report).toMatchObject({ totals: { duplicatesDropped: 0, notRun: 0 }, rejected: [] });
  const lines = (await readFile(join(other.project.directory, 'out', 'events.ndjson'), 'utf8')).trim().split('\n');
  const signers = lines
    .map((line) => decodeEnvelope(line, 'x'))
    .map(({ type, keyId, signature }) => ({ type, keyId, isSigned: signature !== '' }));
  expect(signers.filter(({ isSigned }) => !isSigned)).toEqual([]);
  expect(new Set(signers.filter(({ type }) => type === 'record').map(({ keyId }) => keyId)).size).toBe(2);

  // A late job ends with the signed verdict, which names the report.
  const redis = await connect(server.url, 'test');
  const [group = ''] = (await redis.keys('{sl:ci:*}:verdicts')).map((key) => /\{sl:ci:(\S+)\}/.exec(key)?.[1] ?? '');
  const verdict = decodeEnvelope(String(await redis.hget(groupKeys(group).verdicts, '1')), 'x');
  const digest = createHash('sha256')
    .update(await readFile(join(other.project.directory, 'out', 'report.json')))
    .digest('hex');
  expect(JSON.parse(verdict.body)).toMatchObject({ exitCode: 0, reportDigest: digest });
  const late = await ci(leader.project, server.url, 2);
  expect(late.exitCode, late.all).toBe(0);
  // Not so with a changed one.
  await redis.hset(
    groupKeys(group).verdicts,
    '1',
    JSON.stringify({ version: 5, ...verdict, body: verdict.body.replace('passed', 'Passed') }),
  );
  const forged = await ci(leader.project, server.url, 2);
  expect(forged.exitCode, forged.all).toBe(11);
  expect(forged.all).toContain('its signature with key');
  redis.disconnect();
});

test('a verdict that nobody has signed ends no job with its exit code', { timeout: 180_000 }, async () => {
  const red = { ...suite, 'test_red.py': 'def test_it(): assert False\n' };
  await using pool = await newProject({});
  await using one = await newProject(red);
  await using two = await newProject(red);
  await using server = await startTcpServer();
  expect((await pool.shardline(['keygen', 'pool.key', '--pool-key'])).exitCode).toBe(0);
  for (const project of [one, two]) await newJob(project, pool);
  const { leader, other } = await startTwo(server.url, [one, two]);
  const redis = await connect(server.url, 'attacker');
  try {
    const [group = ''] = (await redis.keys('{sl:ci:*}:generation')).map((key) => /\{sl:ci:(\S+)\}/.exec(key)?.[1] ?? '');
    const origin = { pool: poolOfGroup(group, 1), run: runOfGroup(group, 1), generation: 1, epoch: 1 };
    const green = { run: runOfGroup(group, 1), exitCode: 0, line: 'passed', failedOn: null, again: null, files: null };
    await redis.hset(groupKeys(group).verdicts, '1', encodeVerdict({ ...green, endedAt: Date.now(), reportDigest: null }, origin));
    const ended = await Promise.all([leader.job, other.job]);
    for (const { exitCode, all } of ended) {
      expect(exitCode, all).not.toBe(0);
      expect(all).toContain('it is not signed');
    }
  } finally {
    redis.disconnect();
  }
});

test('a job refuses the signed log of an earlier run with the same --run-id, and takes over the present one', {
  timeout: 180_000,
}, async () => {
  await using pool = await newProject({});
  await using one = await newProject(suite);
  await using two = await newProject(suite);
  await using server = await startTcpServer();
  expect((await pool.shardline(['keygen', 'pool.key', '--pool-key'])).exitCode).toBe(0);
  for (const project of [one, two]) await newJob(project, pool);
  const nightly = (project: Project, out: string) =>
    project.shardline(['ci', '--run-id', 'nightly', '-n', '1', '--verbose', '--out', out, ...KEYS], { SHARDLINE_REDIS_URL: server.url });
  const redis = await connect(server.url, 'attacker');
  try {
    const first = nightly(one, 'out');
    await said(first, /PASSED[\s\S]*PASSED/);
    first.kill('SIGKILL');
    await first;
    const [log = ''] = await redis.keys('{sl:run:ci-*}:log');
    const entries = await redis.xrange(log, '-', '+');
    const signer = await readSigner(join(one.directory, 'keys', 'job.key'));
    /** Writes the log as if the run had been earlier, signed with the key of the job. */
    const rewrite = async (earlierMs: number): Promise<void> => {
      const commands = redis.multi().del(log);
      for (const [entry, [, epoch = '', , own = '', , position = '']] of entries) {
        const envelope = decodeEnvelope(own, 'x');
        const body = JSON.parse(envelope.body);
        const record = encodeMessage('record', envelope, { ...body, at: body.at - earlierMs }, signer);
        commands.xadd(log, entry, 'epoch', epoch, 'own', record, 'position', position);
      }
      await commands.exec();
    };
    await rewrite(60 * 60 * 1000);
    const refused = await nightly(two, 'out');
    expect(refused.exitCode, refused.all).toBe(11);
    expect(refused.all).toContain(', before this job could have joined that run.');
    await rewrite(0);
    const { exitCode, all } = await nightly(two, 'again');
    expect(exitCode, all).toBe(0);
    expect(all).toContain('this job now coordinates run');
    expect(outcomesOf(await two.report('again'))).toEqual(allPassed);
  } finally {
    redis.disconnect();
  }
});

test('--resume elsewhere refuses a log that was changed in Redis, and takes the signed one', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  for (const argv of [
    ['pool.key', '--pool-key'],
    ['agent.key', '--certify', 'pool.key'],
    ...['here', 'there'].map((name) => [name, '--certify', 'pool.key', '--role', 'coordinator']),
  ])
    expect((await project.shardline(['keygen', ...argv])).exitCode).toBe(0);
  const trust = ['--trust', 'pool.key.pub'] as const;
  const agent = project.shardline(['agent', '-n', '1', '--sign-key', 'agent.key', ...trust], settings);
  const redis = await connect(server.url, 'attacker');
  try {
    const first = project.shardline(['run', '--verbose', '--sign-key', 'here', ...trust, '--out', 'a'], settings);
    const id = runId((await said(first, /Run (\S+):[\s\S]*PASSED[\s\S]*PASSED/))[1] ?? '');
    first.kill('SIGKILL');
    await first;
    const { log } = runKeys(id);
    const resume = () => project.shardline(['run', '--resume', id, '--sign-key', 'there', ...trust, '--out', 'b'], settings);
    const entries = await redis.xrange(log, '-', '+');
    /** Writes the log again, with other texts of its records. */
    const rewrite = async (change: (own: string) => string): Promise<void> => {
      const commands = redis.multi().del(log);
      for (const [entry, [, epoch = '', , own = '', , position = '']] of entries)
        commands.xadd(log, entry, 'epoch', epoch, 'own', change(own), 'position', position);
      await commands.exec();
    };
    await rewrite((own) => own.replace(/"signature":"[^"]*"/, '"signature":""').replace(/"keyId":"[^"]*"/, '"keyId":""'));
    const unsigned = await resume();
    expect(unsigned.exitCode, unsigned.all).toBe(11);
    expect(unsigned.all).toContain('it is not signed');
    await rewrite((own) => own);
    const { exitCode, all } = await resume();
    expect(exitCode, all).toBe(0);
    expect(outcomesOf(await project.report('b'))).toEqual(allPassed);
  } finally {
    redis.disconnect();
    agent.kill('SIGTERM');
    await agent;
  }
});
