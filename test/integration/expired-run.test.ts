// A run says until when agents may join it, so that nobody can announce it again later.

import { expect, test } from 'vitest';
import { redisPoolMember } from '../../agent/redis/pool-member.ts';
import { agentId, runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys } from '../../shared/redis/keys.ts';
import { encodeSpec } from '../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { startTcpServer } from '../support/redis.ts';
import { opened } from '../unit/core/run-kit.ts';

test('an agent declines a run that has expired, once, and joins the next', async () => {
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'test');
  const declined: string[] = [];
  await using member = await redisPoolMember({
    url: server.url,
    pool: 'default',
    agent: agentId('a1'),
    only: null,
    signer: null,
    verifier: NO_VERIFIER,
    warn: () => undefined,
    declined: (run, { code }) => void declined.push(`${run}: ${code}`),
  });
  const { runs, opened: wake } = poolKeys('default');
  const announce = async (name: string, expiresAt: number): Promise<void> => {
    const { spec } = opened([]);
    await redis.hset(runs, name, encodeSpec({ ...spec, pool: 'default', runId: runId(name), expiresAt }));
    await redis.xadd(wake, '*', 'run', name);
  };
  await announce('old', Date.now() - 1);
  await announce('old-too', 0);
  await announce('new', Date.now() + 60_000);
  expect((await member.nextRun(new AbortController().signal))?.runId).toBe('new');
  expect(declined.sort()).toEqual(['old-too: run-expired', 'old: run-expired']);
  expect((await member.nextRun(new AbortController().signal))?.runId).toBe('new');
  expect(declined).toHaveLength(2);
  redis.disconnect();
});
