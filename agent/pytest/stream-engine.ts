// The engine that keeps one `pytest -n` session for a whole run and feeds its xdist workers.
// It owns the session's directory and replaces a session that died.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptEnding, AttemptRequest } from '../../shared/domain/attempt.ts';
import type { AttemptEvent } from '../../shared/domain/events.ts';
import type { HowToCollect } from '../../shared/domain/suite-list.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { pytestCommand } from '../../shared/pytest/pytest-command.ts';
import { makeSessionDirectory, removeSessionDirectory, writeSessionFile } from '../../shared/pytest/session-file.ts';
import { startPytest } from '../../shared/pytest/start-pytest.ts';
import { causeOf } from '../core/interrupt.ts';
import type { Engine, Session, SessionRequest } from '../ports.ts';
import { createWorkerNumbers } from '../worker-numbers.ts';
import { type AttemptLog, createAttemptLog, type StartedPytest } from './attempt-log.ts';
import { type FedPytest, infoOf, startFed } from './fed-pytest.ts';
import type { FedEnding } from './fed-task.ts';
import type { SelfTest } from './self-test.ts';
import { START_MS } from './start-limit.ts';

/**
 * An attempt shorter than this, in milliseconds, leaves its worker waiting for the next one to arrive through Redis, unless one already
 * waits in the agent.
 */
const SHORT_MS = 250;

/** The number of sessions that may die while an attempt waits for its turn. */
const SESSION_LIMIT = 3;

const LIMITS = { tracebackBytes: 100_000, sectionBytes: 64_000 } as const;

/**
 * `tell` prints one line for the user. If the suite is collected by file, `selfTest` checks that this pytest can be fed; without a
 * self-test the engine assumes that it can. If it cannot, every xdist worker of this agent collects the whole list, even if other agents
 * collect by file: shards mean the same either way.
 */
export function streamEngine(tell: (line: string) => void, selfTest: SelfTest | null = null, replaceMs: number = START_MS): Engine {
  return { open: (request) => open(request, tell, selfTest, replaceMs) };
}

/** Throws `session-not-started`, `no-workspace` and `no-python`. */
async function open(request: SessionRequest, tell: (line: string) => void, selfTest: SelfTest | null, replaceMs: number): Promise<Session> {
  const { agent, python, workspace, numprocesses, maxAutoWorkers, keepCoverage } = request;
  const { pytestArgs, cache, mayMiss = false, harmless, serialMarker, stopsItself, relay, maxWorkerBytes, maxWorkerFiles } = request.spec;
  const directory = await makeSessionDirectory();
  const workers = createWorkerNumbers(request.claimNumbers);
  let sessions = 0;
  let peakRssBytes = 0;
  const cpuSeconds = new Map<FedPytest, number>();
  let averageMs = SHORT_MS;
  let isClosed = false;
  let fed: FedPytest | null = null;
  let tested: Promise<string | null> | null = null;
  let isListed = false;

  const modeFor = async (started: StartedPytest): Promise<HowToCollect> => {
    // The self-test runs while the first session's xdist workers start.
    tested ??= selfTest?.(python, started) ?? Promise.resolve(null);
    const how = await request.collect;
    if (how.mode === 'suite') return how;
    const problem = started.unfeedable ?? (await tested);
    if (problem === null) return how;
    tell(`every xdist worker here collects the whole suite: ${problem}`);
    return { mode: 'suite', proves: false, modules: [], preloads: false };
  };
  /** Transfers of the coverage of ended sessions. */
  const keeping: Promise<void>[] = [];

  /** A run that is over gives out no number, so its pytest is not the first. */
  const isFirstOfRun = (): Promise<boolean> =>
    request.claimNumbers('workspace', 1, -1).then(
      (number) => number === 0,
      () => false,
    );

  const start = async (): Promise<FedPytest> => {
    sessions += 1;
    const isFirst = await isFirstOfRun();
    const socket = join(directory, `${sessions}.sock`);
    const sessionPath = join(directory, `${sessions}.json`);
    const measured = join(directory, `coverage-${sessions}`);
    if (keepCoverage !== null) await mkdir(measured);
    const coverageFile = keepCoverage === null ? null : join(measured, 'data');
    const own = { socket, isFirst, coverageFile, numprocesses, maxAutoWorkers, limits: LIMITS } as const;
    const from = { pytestArgs, cache, mayMiss, harmless, serialMarker, stopsItself, relay, maxWorkerBytes, maxWorkerFiles } as const;
    await writeSessionFile(sessionPath, { mode: 'stream', ...own, ...from });
    const pytest = await startFed({
      socket,
      startProcess: () => startPytest({ python, workspace, sessionPath, environment: request.environment ?? {} }),
      command: pytestCommand(python, pytestArgs),
      agent,
      drain: request.spec.drain,
      testTimeoutSeconds: request.spec.testTimeoutSeconds,
      room: request.room,
      workers,
      replaceMs,
      tell,
      ...(request.show === undefined ? {} : { show: request.show }),
      ...(request.ended === undefined ? {} : { ended: request.ended }),
      collect: (started) => {
        request.started(infoOf(started));
        return modeFor(started);
      },
      isMoreWaiting: request.isMoreWaiting,
      ending: request.ending,
      listed: (list) => {
        if (!isListed) request.listed(list);
        isListed = true;
      },
      refused: request.refused,
      inseparable: request.inseparable,
    });
    const kept = pytest.ended.then(async () => {
      const covered = pytest.covered();
      if (covered !== null) await keepCoverage?.({ directory: measured, ...covered });
    });
    // The code that closes the session throws a failure of this promise.
    kept.catch(() => undefined);
    keeping.push(kept);
    return pytest;
  };

  /** The next attempt that needs a session replaces a dead one, regardless of the cause. */
  let starting: Promise<FedPytest> | null = null;
  const living = async (): Promise<FedPytest> => {
    if (fed !== null && !fed.isOver()) return fed;
    starting ??= start().finally(() => {
      starting = null;
    });
    fed = await starting;
    return fed;
  };

  /**
   * An attempt goes to the next session if it was not begun when its session died, or if the culprit is known, for as long as a new session
   * starts.
   */
  const serve = async (
    log: AttemptLog,
    attempt: AttemptRequest,
    interrupt: AbortSignal,
  ): Promise<[FedPytest, Exclude<FedEnding, { kind: 'again' }>]> => {
    for (let deaths = 0; ; ) {
      const pytest = await living();
      const ending = await pytest.run(log, attempt, interrupt);
      if (ending.kind !== 'again') return [pytest, ending];
      deaths = ending.isBlamed ? 0 : deaths + 1;
      if (deaths === SESSION_LIMIT) return [pytest, { kind: 'lost' }];
    }
  };

  const run = async (attempt: AttemptRequest, tellEvent: (event: AttemptEvent) => void, interrupt: AbortSignal): Promise<AttemptEnding> => {
    if (interrupt.aborted) return { kind: 'interrupted', by: causeOf(interrupt) };
    const log = createAttemptLog(attempt.selectors, tellEvent, Date.now);
    try {
      const startedAt = performance.now();
      const [pytest, ending] = await serve(log, attempt, interrupt);
      averageMs += (performance.now() - startedAt - averageMs) / 4;
      peakRssBytes = Math.max(peakRssBytes, pytest.peakRssBytes());
      cpuSeconds.set(pytest, pytest.cpuSeconds());
      return ending;
    } catch (thrown) {
      if (thrown instanceof ShardlineError) return { kind: 'not-started', error: thrown.code, detail: thrown.message };
      throw thrown;
    }
  };

  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    try {
      await fed?.end();
      await Promise.all(keeping);
    } finally {
      await removeSessionDirectory(directory);
    }
  };

  try {
    const pytest = await living();
    return {
      /**
       * Room for the running attempts and for some that wait in the agent: one, or one for each worker while attempts are short. A long
       * attempt must not hold back waiting ones.
       */
      get slots() {
        return pytest.info.workers + (averageMs < SHORT_MS ? pytest.info.workers : 1);
      },
      info: pytest.info,
      run,
      peakRssBytes: () => peakRssBytes,
      cpuSeconds: () => [...cpuSeconds.values()].reduce((sum, each) => sum + each, 0),
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
