// Checks that a run needs no rights beyond those in docs/redis.md.

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { redisPoolMember } from '../../agent/redis/pool-member.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import { redisTimingStore } from '../../coordinator/redis/timing-store.ts';
import { agentId, attemptId, runId, shardId, testFile } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
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
    try {
      const pools = redisPools(redis);
      expect(await pools.serverNow()).toBeGreaterThan(0);
      const channel = await pools.openRun({ ...opened([]).spec, runId: runId('r1'), pool: 'p1' });
      const shard = shardId(1);
      await channel.enqueue([{ id: attemptId(shard, 1), shard, fence: 1, role: 'primary', selectors: [], predictedSeconds: 1, avoid: [] }]);
      await using member = await redisPoolMember({ url, pool: 'p1', agent: agentId('a1'), only: null, warn: () => undefined });
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
      await channel.tell({ kind: 'close-run', by: 'done' });
      await redisTimingStore(redis, 'p1', () => undefined).save(
        new Map([[testFile('test_a.py'), { seconds: 1, collectSeconds: 0, fixtureSeconds: 0, tests: new Map(), failing: new Map() }]]),
      );
      await run.leave();
      await channel.close();
    } finally {
      redis.disconnect();
    }
  } finally {
    admin.disconnect();
  }
});
