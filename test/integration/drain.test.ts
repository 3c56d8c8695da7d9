// An agent at the end of a run's time, over a real Redis. A session that never ends replaces pytest.

import { expect, test } from 'vitest';
import { agentLoop } from '../../agent/agent-loop.ts';
import type { Session } from '../../agent/ports.ts';
import { redisPoolMember } from '../../agent/redis/pool-member.ts';
import { fixedWorkspace } from '../../agent/workspace/fixed-workspace.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import { agentId, attemptId, runId, shardId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { startServer } from '../support/redis.ts';
import { opened } from '../unit/core/run-kit.ts';

test("an agent drains at the agreed time on the server's clock, without a command from the coordinator", async () => {
  await using server = await startServer();
  const redis = await connect(server.url, 'test');
  try {
    const pools = redisPools(redis);
    const drain = { at: (await pools.serverNow('p1')) + 500, interruptMs: 1, killMs: 2 };
    const channel = await pools.openRun({ ...opened([]).spec, runId: runId('drained'), pool: 'p1', drain });
    const shard = shardId(1);
    await channel.enqueue([{ id: attemptId(shard, 1), shard, fence: 1, role: 'primary', selectors: [], predictedSeconds: 1, avoid: [] }]);
    const session: Session = {
      slots: 1,
      info: {
        workers: 1,
        python: '3',
        pytest: '9',
        xdist: '3',
        installed: { python: 'cpython 3', platform: 'linux', plugins: {}, packages: {}, packagesDigest: '' },
      },
      run: (_attempt, _tell, interrupt) =>
        new Promise((resolve) => interrupt.addEventListener('abort', () => resolve({ kind: 'interrupted', by: 'cancelled' }))),
      peakRssBytes: () => 0,
      cpuSeconds: () => 0,
      close: async () => undefined,
    };
    await using member = await redisPoolMember({
      url: server.url,
      pool: 'p1',
      agent: agentId('a1'),
      only: null,
      signer: null,
      verifier: NO_VERIFIER,
      declined: () => undefined,
      warn: () => undefined,
    });
    await agentLoop(
      {
        identity: {
          id: agentId('a1'),
          host: 'host',
          pid: 1,
          hashSeed: null,
          isLocal: true,
          printFiles: async (_, run) => run,
          isInside: async () => true,
          accepts: { mode: 'any', own: [] },
        },
        pytest: { numprocesses: '1', maxAutoWorkers: 1 },
        workspaces: fixedWorkspace('.', 'python3'),
        member,
        engine: {
          open: async ({ started }) => {
            started(session.info);
            return session;
          },
        },
        // The clock of this machine is an hour behind.
        clock: { now: () => Date.now() - 3_600_000, wait: systemClock.wait },
        reportState: () => undefined,
        warn: () => undefined,
      },
      { once: true, maxIdleMs: null, maxRuns: 1, hasMemory: async () => true },
      new AbortController().signal,
    );
    const received: RunEvent[] = [];
    const over = new AbortController();
    for await (const batch of channel.events('0', over.signal)) {
      received.push(...batch.flatMap((entry) => (entry.kind === 'events' ? entry.events : [])));
      if (received.some(({ kind }) => kind === 'agent-left')) over.abort();
    }
    expect(received.map(({ kind }) => kind)).toEqual(['agent-joined', 'attempt-started', 'attempt-ended', 'agent-left']);
    expect(received.find(({ kind }) => kind === 'attempt-ended')).toMatchObject({ ending: { kind: 'interrupted', by: 'deadline' } });
    await channel.close();
  } finally {
    redis.disconnect();
  }
});
