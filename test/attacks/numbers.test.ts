// The counter in Redis that numbers the processes of a fleet, written by somebody else.

import { expect, test } from 'vitest';
import { joinRun } from '../../agent/redis/joined-run.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { encodeSpec } from '../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { startTcpServer } from '../support/redis.ts';
import { a1, opened } from '../unit/core/run-kit.ts';

test('a forged counter of numbers costs at most the agent the run', { timeout: 60_000 }, async () => {
  await using server = await startTcpServer();
  const redis = await connect(server.url, 'attacker');
  const { spec } = opened([]);
  const keys = runKeys(spec.runId);
  await redis.set(keys.spec, encodeSpec(spec), 'EX', 60);
  const membership = { pool: 'default', runId: spec.runId, agent: a1, signer: null, verifier: NO_VERIFIER, warn: () => undefined };
  const run = await joinRun({ redis, ...membership });
  try {
    expect(await run.claimNumbers('fleet', 2, 0)).toBe(0);
    await redis.hset(keys.numbers, 'fleet', 'no number');
    expect(await run.claimNumbers('fleet', 1, 7)).toBe(7);
    for (const forged of ['1e300', '9007199254740993', '-1e300', 'inf', 'nan']) {
      await redis.hset(keys.numbers, 'fleet', forged);
      const claimed = await run.claimNumbers('fleet', 1, 9).catch((thrown: unknown) => thrown);
      // No number below the one that the agent has seen, and none that no run needs.
      if (claimed !== 9) expect([forged, claimed]).toEqual([forged, expect.objectContaining({ code: 'bad-message' })]);
    }
  } finally {
    await run.leave();
    redis.disconnect();
  }
});
