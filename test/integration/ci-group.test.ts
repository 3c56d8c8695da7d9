// The jobs of a group in a real Redis: who leads, who belongs to which generation, and whose verdict counts.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GroupJob } from '../../coordinator/ports.ts';
import { type GroupOptions, redisGroup } from '../../coordinator/redis/ci-group.ts';
import { openLivenessLine } from '../../coordinator/redis/liveness-line.ts';
import { runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { groupKeys } from '../../shared/redis/keys.ts';
import type { GroupVerdict } from '../../shared/wire/group.ts';
import { NO_VERIFIER, signerOf, verifierOf } from '../../shared/wire/signature.ts';
import { startTcpServer, type TcpRedis } from '../support/redis.ts';

let server: TcpRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startTcpServer();
  redis = await connect(server.url, 'test');
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

/** One job of the group, with connections of its own. */
async function joinAs(name: string, keys: Partial<GroupOptions> = {}) {
  const own = await connect(server.url, 'job');
  const line = openLivenessLine(own);
  const group = redisGroup({
    redis: own,
    group: name,
    line,
    waitMs: 5000,
    addressOf: (generation) => ({ pool: `ci-${name}-${generation}`, run: runId(`ci-${name}-${generation}`) }),
    signer: null,
    verifier: NO_VERIFIER,
    doubt: ({ message }) => {
      throw new Error(message);
    },
    ...keys,
  });
  return {
    ...group,
    leave() {
      line.close();
      own.disconnect();
    },
  };
}

const green: GroupVerdict = {
  run: runId('ci-1'),
  exitCode: 0,
  line: 'passed',
  failedOn: null,
  again: null,
  files: null,
  endedAt: 1000,
  reportDigest: 'ab',
};
const red: GroupVerdict = { ...green, exitCode: 1, line: 'failed', again: { failed: ['test_a.py::test_a'], notRun: [] }, files: 'abc' };
const never = new AbortController().signal;

const at = (place: number | null, token: string | null, attempt: number | null = null, isFresh = false): GroupJob => ({
  place,
  token,
  attempt,
  isFresh,
  tooOldMs: null,
});
/** A job without ids of a provider. */
const named = (tooOldMs: number): GroupJob => ({ ...at(null, null), isFresh: true, tooOldMs });
/** Moves a time in a hash of the group an hour and a minute back. */
const backdate = (key: string, field: string) => redis.hincrby(key, field, -3_660_000);

test('one job leads; another one does once the first is gone, and a deposed one changes nothing', async () => {
  const name = randomUUID();
  const [one, two] = [await joinAs(name), await joinAs(name)];
  const first = await one.lead(never);
  await first.renew();
  const waiting = two.lead(never);
  await expect(Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 1500, 'held'))])).resolves.toBe('held');
  one.leave();
  const second = await waiting;
  await second.conclude(1, green);
  const late = await joinAs(name);
  expect(await late.verdict(1)).toEqual(green);
  expect(await late.verdict(2)).toBe(null);
  // The first verdict stays.
  await second.conclude(1, red);
  expect(await late.verdict(1)).toEqual(green);
  for (const each of [two, late]) each.leave();
});

test('a deposed job cannot renew its lease, and stores no verdict', async () => {
  const name = randomUUID();
  const [one, two] = [await joinAs(name), await joinAs(name)];
  const first = await one.lead(never);
  // The lease has expired, as after a freeze.
  await redis.hset(groupKeys(name).leader, 'expires', 1);
  await two.lead(never);
  await expect(first.renew()).rejects.toMatchObject({ code: 'taken-over' });
  await expect(first.conclude(1, green)).rejects.toMatchObject({ code: 'taken-over' });
  expect(await two.verdict(1)).toBe(null);
  for (const each of [one, two]) each.leave();
});

test.each([
  ['a number and an id', (attempt: number) => at(1, `job-1-${attempt}`)],
  ['a count of attempts only', (attempt: number) => at(null, null, attempt)],
])('a retry of a job with %s begins a generation, and the other jobs join it', async (_, job) => {
  const name = randomUUID();
  const group = await joinAs(name);
  expect(await group.join(job(1))).toEqual({ generation: 1, verdict: null, before: null, isFresh: false, endedMsAgo: null });
  const first = await group.lead(never);
  // The job came back while the run went on: its machine was replaced.
  await first.renew();
  expect(await group.join(job(1))).toMatchObject({ generation: 1, verdict: null });
  await first.conclude(1, red);
  expect(await group.join(job(1))).toMatchObject({ generation: 1, verdict: red });
  expect(await group.join(at(2, 'job-2-1'))).toMatchObject({ generation: 1, verdict: red });

  const retried = { generation: 2, verdict: null, before: red, isFresh: false, endedMsAgo: null };
  expect(await group.join(job(2))).toEqual(retried);
  expect(await group.join(job(2))).toEqual(retried);
  group.leave();
});

test('a retry of a job with a number that failed before it joined begins a generation, and the other jobs join it', async () => {
  const group = await joinAs(randomUUID());
  expect(await group.join(at(1, '#1', 1))).toMatchObject({ generation: 1 });
  await (await group.lead(never)).conclude(1, red);
  expect(await group.join(at(4, '#2', 2))).toMatchObject({ generation: 2, verdict: null, before: red });
  expect(await group.join(at(1, '#2', 2))).toMatchObject({ generation: 2, verdict: null });
  group.leave();
});

test('a job that is started again while the run goes on joins it; after everyone has left it begins anew', async () => {
  const name = randomUUID();
  const group = await joinAs(name);
  await group.join(at(1, 'a'));
  await group.join(at(2, 'a'));
  await (await group.lead(never)).renew();
  expect(await group.join(at(1, 'b'))).toMatchObject({ generation: 1 });
  await redis.hset(groupKeys(name).leader, 'expires', 1);
  expect(await group.join(at(1, 'c'))).toEqual({ generation: 2, verdict: null, before: null, isFresh: false, endedMsAgo: null });
  expect(await group.join(at(2, 'b'))).toMatchObject({ generation: 2 });
  group.leave();
});

test('a fresh retry is fresh for every job', async () => {
  const name = randomUUID();
  const group = await joinAs(name);
  await group.join(at(1, 'a', null, true));
  await (await group.lead(never)).conclude(1, red);
  expect(await group.join(at(1, 'b', null, true))).toMatchObject({ generation: 2, isFresh: true });
  expect(await group.join(at(2, 'b'))).toMatchObject({ generation: 2, isFresh: true });
  group.leave();
});

test('a job without ids takes a verdict only while it is young enough, and else begins a run that the others join', async () => {
  const name = randomUUID();
  const group = await joinAs(name);
  const hour = 3_600_000;
  expect(await group.join(named(hour))).toMatchObject({ generation: 1, verdict: null });
  await (await group.lead(never)).conclude(1, green);
  const late = await group.join(named(hour));
  expect(late).toMatchObject({ generation: 1, verdict: green });
  expect(late.endedMsAgo).toBeLessThan(hour);
  await backdate(groupKeys(name).verdicts, 'ended 1');
  const next = { generation: 2, verdict: null, before: green, isFresh: true, endedMsAgo: null };
  expect(await group.join(named(hour))).toEqual(next);
  // The lease is still that of the first run.
  await backdate(groupKeys(name).leader, 'expires');
  expect(await group.join(named(hour))).toEqual(next);
  expect(await group.join(named(0))).toEqual(next);
  await (await group.lead(never)).conclude(2, green);
  expect(await group.join(named(0))).toMatchObject({ generation: 3, verdict: null });
  group.leave();
});

test('a job without ids does not go on with a run that everyone left long ago', async () => {
  const name = randomUUID();
  const group = await joinAs(name);
  await group.join(named(0));
  await (await group.lead(never)).renew();
  await redis.hset(groupKeys(name).leader, 'expires', 1);
  // Another job may still take over.
  expect(await group.join(named(0))).toMatchObject({ generation: 1 });
  await backdate(groupKeys(name).members, '1/begun');
  expect(await group.join(named(0))).toMatchObject({ generation: 2, isFresh: true });
  group.leave();
});

test('a group keeps the members and verdicts of two generations, and a job of the one before finds its verdict', async () => {
  const name = randomUUID();
  const group = await joinAs(name);
  const leading = await group.lead(never);
  const verdictOf = (generation: number): GroupVerdict => ({ ...red, line: `failed ${generation}` });
  for (let generation = 1; generation <= 12; generation += 1) {
    const before = generation === 1 ? null : verdictOf(generation - 1);
    expect(await group.join(at(1, `#${generation}`, generation))).toMatchObject({ generation, verdict: null, before });
    expect(await group.verdict(generation - 1)).toEqual(before);
    await leading.conclude(generation, verdictOf(generation));
    expect(await group.join(at(1, `#${generation}`, generation))).toMatchObject({ generation, verdict: verdictOf(generation), before });
  }
  const { members, verdicts } = groupKeys(name);
  const fields = ['11/at 1', '11/attempt', '11/begun', '12/at 1', '12/attempt', '12/begun'];
  expect((await redis.hkeys(members)).sort()).toEqual(fields);
  expect((await redis.hkeys(verdicts)).sort()).toEqual(['11', '12', 'ended 11', 'ended 12']);
  group.leave();
});

test('every key of a group has a lifetime', async () => {
  const name = randomUUID();
  const group = await joinAs(name);
  await group.join(at(1, 'a'));
  const leading = await group.lead(never);
  await leading.renew();
  await leading.conclude(1, green);
  for (const key of Object.values(groupKeys(name))) expect(await redis.ttl(key), key).toBeGreaterThan(0);
  group.leave();
});

/** The options of a job that signs with its own key and takes only the word of the trusted keys. */
function signing(
  own: ReturnType<typeof generateKeyPairSync>,
  trusted: readonly ReturnType<typeof generateKeyPairSync>[],
  doubts: string[],
) {
  const keys = trusted.map(({ publicKey }) => ({ key: publicKey, uses: ['coordinator'] as const }));
  const verifier = verifierOf({ keys, mode: 'require', onDoubt: () => undefined, now: Date.now });
  return { signer: signerOf(own.privateKey), verifier, doubt: ({ code }: { readonly code: string }) => void doubts.push(code) };
}

test('a job takes a verdict only from a key that it trusts, and a retry runs everything without one', async () => {
  const name = randomUUID();
  const [ours, theirs] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const doubts: string[] = [];
  const group = await joinAs(name, signing(ours, [ours], doubts));
  const keys = groupKeys(name);
  await group.join(at(1, 'a'));
  await (await group.lead(never)).conclude(1, red);
  expect(await group.verdict(1)).toEqual(red);
  const signed = String(await redis.hget(keys.verdicts, '1'));
  // A retry: what the run before left is signed, and then it is not.
  expect(await group.join(at(1, 'b'))).toMatchObject({ generation: 2, before: red });
  await redis.hset(keys.verdicts, '1', JSON.stringify({ ...JSON.parse(signed), keyId: '', signature: '' }));
  expect(await group.join(at(1, 'b'))).toMatchObject({ generation: 2, before: null });
  expect(doubts).toEqual(['not-signed']);
  // Neither the verdict of another generation, nor that of another key, ends this one.
  await redis.hset(keys.verdicts, '2', signed);
  await expect(group.verdict(2)).rejects.toMatchObject({ code: 'bad-message' });
  await redis.hdel(keys.verdicts, '2');
  const other = await joinAs(name, signing(theirs, [ours, theirs], doubts));
  await (await other.lead(never)).conclude(2, green);
  await expect(group.verdict(2)).rejects.toMatchObject({ code: 'unknown-key' });
  await expect(group.join(at(1, 'b'))).rejects.toMatchObject({ code: 'unknown-key' });
  expect(await other.verdict(2)).toEqual(green);
  group.leave();
  other.leave();
});
