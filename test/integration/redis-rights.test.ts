// Checks that a run needs no rights beyond those in docs/redis.md, and what it does without some of them.

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { redisPoolMember } from '../../agent/redis/pool-member.ts';
import { type LivenessLine, openLivenessLine } from '../../coordinator/redis/liveness-line.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import { redisTimingStore } from '../../coordinator/redis/timing-store.ts';
import { agentId, attemptId, runId, shardId, testFile } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { eventually } from '../support/eventually.ts';
import { startTcpServer } from '../support/redis.ts';
import { opened } from '../unit/core/run-kit.ts';

test('an account with the rights of docs/redis.md can open a run, serve it and close it', async () => {
  const page = await readFile(new URL('../../docs/redis.md', import.meta.url), 'utf8');
  const [, rights = ''] = /^ACL SETUSER shardline on >PASSWORD (.*)$/m.exec(page) ?? [];
  await using server = await startTcpServer();
  const admin = await connect(server.url, 'admin');
  const url = server.url.replace('//', '//shardline:secret@');
  try {
    await admin.call('ACL', 'SETUSER', 'shardline', 'on', '>secret', ...rights.split(' '));
    const redis = await connect(url, 'test');
    let line: LivenessLine | null = null;
    try {
      line = openLivenessLine(redis);
      expect(await line.isSubscribed).toBe(true);
      const pools = redisPools(redis, { line });
      expect(await pools.serverNow()).toBeGreaterThan(0);
      const channel = await pools.openRun({ ...opened([]).spec, runId: runId('r1'), pool: 'p1' });
      const shard = shardId(1);
      await channel.enqueue([{ id: attemptId(shard, 1), shard, fence: 1, role: 'primary', selectors: [], predictedSeconds: 1, avoid: [] }]);
      await using member = await redisPoolMember({
        url,
        pool: 'p1',
        agent: agentId('a1'),
        only: null,
        signer: null,
        verifier: NO_VERIFIER,
        warn: () => undefined,
        declined: () => undefined,
      });
      const found = await member.nextRun(new AbortController().signal);
      if (found === null) throw new Error('the run was not found');
      const run = await member.join(found);
      const over = new AbortController();
      await run.pull(
        () => 1,
        async () => over.abort(),
        over.signal,
      );
      expect((await channel.presence()).kind).toBe('here');
      await run.append([]);
      await channel.send({ kind: 'close-run', by: 'done' });
      await redisTimingStore(redis, 'p1', () => undefined).save(
        new Map([[testFile('test_a.py'), { seconds: 1, collectSeconds: 0, fixtureSeconds: 0, tests: new Map(), lastRuns: new Map() }]]),
      );
      await run.leave();
      await channel.close();
    } finally {
      line?.close();
      redis.disconnect();
    }
  } finally {
    admin.disconnect();
  }
});

test.each([
  ['may not subscribe', '-@pubsub'],
  ['may not count subscribers', '-pubsub'],
])('with an account that %s, a lease is taken over only once it has expired', async (_, missing) => {
  await using server = await startTcpServer();
  const admin = await connect(server.url, 'admin');
  await admin.call('ACL', 'SETUSER', 'shardline', 'on', '>secret', '~*', '&*', '+@all', missing);
  const closing: (() => void)[] = [() => admin.disconnect()];
  try {
    const url = server.url.replace('//', '//shardline:secret@');
    const [one, two] = [await connect(url, 'one'), await connect(url, 'two')];
    const lines = [openLivenessLine(one), openLivenessLine(two)] as const;
    closing.push(...lines.map(({ close }) => close), ...[one, two].map((redis) => () => redis.disconnect()));
    const spec = { ...opened([]).spec, runId: runId('r1'), pool: 'p1' };
    const old = await redisPools(one, { line: lines[0] }).openRun(spec);
    let isWaiting = false;
    const opening = redisPools(two, { line: lines[1] }).openRun(spec, {
      onWait: () => {
        isWaiting = true;
      },
    });
    await eventually('the lease is waited for', () => isWaiting);
    expect((await old.presence()).kind).toBe('here');
    await admin.hset(runKeys(spec.runId).coordinator, 'expires', 1);
    const next = await opening;
    await expect(old.confirm()).rejects.toMatchObject({ code: 'taken-over' });
    await next.close();
    await old.close().catch(() => undefined);
  } finally {
    for (const close of closing) close();
  }
});
