// The engine that keeps one `pytest -n` session for a whole run and feeds its xdist workers. Owns the session's directory, and that a session
// which died is replaced.

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
import { type FedPytest, infoOf, START_MS, startFed } from './fed-pytest.ts';
import type { FedEnding } from './fed-task.ts';
import type { SelfTest } from './self-test.ts';

/** An attempt that is over sooner than this leaves its worker to wait for the next one's way through Redis, if none waits here. */
const SHORT_MS = 250;

/** How many sessions may die while an attempt waits for its turn in them. */
const SESSION_LIMIT = 3;

const LIMITS = { tracebackBytes: 100_000, sectionBytes: 64_000 } as const;

/**
 * `tell` receives, a line each, what a user should know of how the tests run. Where the suite is collected by file, a self-test shows that this pytest
 * can be fed so; without one it is trusted. An agent whose pytest cannot collects the whole list, whatever the others do: shards mean the same.
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
    // Beside the start of the first session's xdist workers.
    tested ??= selfTest?.(python, started) ?? Promise.resolve(null);
    const how = await request.collect;
    if (how.mode === 'suite') return how;
    const problem = started.unfeedable ?? (await tested);
    if (problem === null) return how;
    tell(`every xdist worker here collects the whole suite: ${problem}`);
    return { mode: 'suite', proves: false, modules: [], preloads: false };
  };
  /** Coverage of the sessions that have ended, on its way. */
  const keeping: Promise<void>[] = [];

  const start = async (): Promise<FedPytest> => {
    sessions += 1;
    const socket = join(directory, `${sessions}.sock`);
    const sessionPath = join(directory, `${sessions}.json`);
    const measured = join(directory, `coverage-${sessions}`);
    if (keepCoverage !== null) await mkdir(measured);
    const coverageFile = keepCoverage === null ? null : join(measured, 'data');
    const own = { socket, coverageFile, numprocesses, maxAutoWorkers, limits: LIMITS } as const;
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
    // What goes wrong with it is thrown by whoever closes the session.
    kept.catch(() => undefined);
    keeping.push(kept);
    return pytest;
  };

  /** A session that died, whatever killed it, is replaced by the next attempt that needs one. */
  let starting: Promise<FedPytest> | null = null;
  const living = async (): Promise<FedPytest> => {
    if (fed !== null && !fed.isOver()) return fed;
    starting ??= start().finally(() => {
      starting = null;
    });
    fed = await starting;
    return fed;
  };

  /** An attempt that was not begun when its session died, or whose culprit is known, goes to the next session, as long as one can be had. */
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
      /** Attempts wait here beside those that run: one, or one for each worker while they are short. A long one keeps others from what waits. */
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
