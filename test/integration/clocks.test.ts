// Machines with different clocks, over a real Redis: every time in a report uses the coordinator's clock.

import { expect, test } from 'vitest';
import { agentLoop } from '../../agent/agent-loop.ts';
import type { Session } from '../../agent/ports.ts';
import { redisPoolMember } from '../../agent/redis/pool-member.ts';
import { fixedWorkspace } from '../../agent/workspace/fixed-workspace.ts';
import { merge } from '../../coordinator/core/result/merge.ts';
import { withTargets } from '../../coordinator/core/result/targets.ts';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { openRun } from '../../coordinator/core/state/run-state.ts';
import { createRecorder } from '../../coordinator/record/recorder.ts';
import { replayLog } from '../../coordinator/record/replay-log.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import { traceJson } from '../../coordinator/reporters/files/trace.ts';
import { createTraceMarks } from '../../coordinator/reporters/files/trace-marks.ts';
import { runLoop } from '../../coordinator/run-loop.ts';
import type { Clock } from '../../shared/clock.ts';
import { agentId, runId } from '../../shared/domain/ids.ts';
import type { FilesPrint } from '../../shared/domain/suite/fingerprint.ts';
import { parseTargets } from '../../shared/domain/targets.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { connect } from '../../shared/redis/connect.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { aheadOf } from '../../shared/wire/agreed-time.ts';
import type { LogRecord } from '../../shared/wire/run-log.ts';
import { addressOf } from '../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { startServer } from '../support/redis.ts';
import { opened, shardOf } from '../unit/core/run-kit.ts';

const DAY_MS = 86_400_000;
/** The most time that may pass between two clock readings in this test, far less than the difference of the clocks. */
const SLACK_MS = 60_000;
/** The accuracy of the agreed clock. */
const TOLERANCE_MS = 1000;
const clockAheadBy = (ms: number): Clock => ({ now: () => Date.now() + ms, wait: systemClock.wait });

/** Runs one test of each file, and stamps its events with this clock. */
const sessionBy = (clock: Clock): Session => ({
  slots: 1,
  info: {
    workers: 1,
    python: '3',
    pytest: '9',
    xdist: '3',
    installed: { python: 'cpython 3', platform: 'linux', plugins: {}, packages: {}, packagesDigest: '' },
  },
  async run({ selectors }, tell) {
    for (const { file } of selectors) {
      const nodeid = `${file}::test_1` as never;
      const startedAt = clock.now();
      tell({
        kind: 'collected',
        at: startedAt,
        file,
        nodeids: [nodeid],
        serial: [],
        mayBackUp: true,
        digest: null,
        seconds: 0,
        worker: 'gw0',
      });
      tell({ kind: 'test-started', at: startedAt, nodeid, worker: 'gw0' });
      const result = { nodeid, file, line: 1, outcome: 'passed', startedAt, seconds: 0.01, setupSeconds: 0, worker: 'gw0' } as const;
      tell({ kind: 'test-finished', at: clock.now(), result: { ...result, isCrash: false, message: null, brief: null, sections: [] } });
    }
    return { kind: 'finished' };
  },
  peakRssBytes: () => 0,
  cpuSeconds: () => 0,
  close: async () => undefined,
});

test.each([
  ['two minutes early', 120_000, 0],
  ['400 days late', -400 * DAY_MS, 0],
  ['right, and the coordinator an hour early', 0, 3_600_000],
  ['a day late, and the coordinator an hour late', -DAY_MS, -3_600_000],
])('an agent that is %s reports times on the agreed clock', async (_, agentMs, coordinatorMs) => {
  await using server = await startServer();
  const redis = await connect(server.url, 'test');
  try {
    const clock = clockAheadBy(coordinatorMs);
    const startedAt = clock.now();
    const pools = redisPools(redis);
    const aheadMs = aheadOf(await pools.serverNow('default'), clock.now());
    const { spec, ...rest } = opened([shardOf(1, ['t/a.py']), shardOf(2, ['t/b.py'])], { at: startedAt, startedAt });
    const opening = { ...rest, spec: { ...spec, runId: runId('clocks'), pool: 'p1' } };
    const channel = await pools.openRun(opening.spec);
    const id = agentId('a1');
    await using member = await redisPoolMember({
      url: server.url,
      pool: 'p1',
      agent: id,
      only: null,
      signer: null,
      verifier: NO_VERIFIER,
      warn: () => undefined,
      declined: () => undefined,
    });
    const agentClock = clockAheadBy(agentMs);
    const serving = agentLoop(
      {
        identity: {
          id,
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
            const session = sessionBy(agentClock);
            started(session.info);
            return session;
          },
        },
        clock: agentClock,
        reportState: () => undefined,
        warn: () => undefined,
      },
      { once: true, maxIdleMs: null, maxRuns: 1, hasMemory: async () => true },
      new AbortController().signal,
    );
    const events: CoordinatorEvent[] = [];
    const never = new AbortController().signal;
    const planSuite = () => ({ shards: [], failureChances: {} });
    const about = {
      channel,
      recorded: null,
      planSuite,
      proves: false,
      clock,
      aheadMs,
      noAgentCanCome: null,
      redisWaitMs: 60_000,
    };
    const log: LogRecord[] = [];
    const inMemory = { append: async (records: readonly LogRecord[]) => void log.push(...records) };
    const recorder = createRecorder(inMemory, { address: addressOf(opening.spec), epoch: channel.epoch, seq: 0 });
    const state = await runLoop(
      { ...about, state: openRun(opening), recorder, observe: (event) => events.push(event) },
      { requested: never, forced: never },
    );
    await serving;
    await channel.close();

    const finishedAt = clock.now();
    const report = merge(state, { finishedAt, mergeSeconds: 0 });
    expect(report.totals).toMatchObject({ passed: 2, notRun: 0 });
    // The log has the agents' own times, and by how much their clock was ahead.
    const replayed: CoordinatorEvent[] = [];
    const recorded = await replayLog(log, 'the log', (event) => void replayed.push(event));
    expect(replayed).toEqual(events);
    expect(recorded && merge(recorded.state, { finishedAt, mergeSeconds: 0 })).toEqual(report);
    const isWithin = (at: number): boolean => at >= startedAt - TOLERANCE_MS && at <= finishedAt + TOLERANCE_MS;
    for (const { attempts } of report.tests) for (const attempt of attempts) expect(isWithin(Date.parse(attempt.startedAt))).toBe(true);
    for (const event of events) expect(isWithin(event.kind === 'attempt-reported' ? event.event.at : event.at)).toBe(true);
    const marks = createTraceMarks();
    for (const event of events) marks.observe(event);
    const { traceEvents } = JSON.parse(traceJson(report, marks.all())) as { traceEvents: readonly { ts?: number }[] };
    for (const { ts = 0 } of traceEvents) expect(isWithin(startedAt + ts / 1000)).toBe(true);
    const [judged] = withTargets(report, parseTargets('first-test<1000s') ?? []).targets ?? [];
    expect(judged?.value).toBeGreaterThanOrEqual(0);
    expect(judged?.value).toBeLessThan(SLACK_MS / 1000);
  } finally {
    redis.disconnect();
  }
});

test('an agent whose pytest does not start reports it to the coordinator', async () => {
  await using server = await startServer();
  const redis = await connect(server.url, 'test');
  try {
    const pools = redisPools(redis);
    const channel = await pools.openRun({ ...opened([]).spec, runId: runId('unstarted'), pool: 'p1' });
    const id = agentId('a1');
    await using member = await redisPoolMember({
      url: server.url,
      pool: 'p1',
      agent: id,
      only: null,
      signer: null,
      verifier: NO_VERIFIER,
      warn: () => undefined,
      declined: () => undefined,
    });
    const open = async (): Promise<Session> => {
      throw new ShardlineError('session-not-started', {
        agent: id,
        problem: 'pytest ended with exit code 4\nERROR: no such option',
        command: 'pytest',
      });
    };
    const loop = {
      identity: {
        id,
        host: 'box',
        pid: 1,
        hashSeed: null,
        isLocal: false,
        printFiles: async (_: string, run: FilesPrint) => run,
        isInside: async () => true,
        accepts: { mode: 'any' as const, own: [] },
      },
      pytest: { numprocesses: '1', maxAutoWorkers: 1 },
      workspaces: fixedWorkspace('.', 'python3'),
      member,
      engine: { open },
      clock: systemClock,
      reportState: () => undefined,
      warn: () => undefined,
    };
    await expect(
      agentLoop(loop, { once: true, maxIdleMs: null, maxRuns: 1, hasMemory: async () => true }, new AbortController().signal),
    ).rejects.toMatchObject({
      code: 'session-not-started',
    });
    const over = new AbortController();
    for await (const [batch] of channel.events('0', over.signal)) {
      expect(batch?.kind === 'events' && batch.events).toMatchObject([
        {
          kind: 'agent-unfit',
          why: 'not-started',
          agent: 'a1',
          host: 'box',
          problem: 'pytest ended with exit code 4\nERROR: no such option',
        },
      ]);
      over.abort();
    }
    await channel.close();
  } finally {
    redis.disconnect();
  }
});
