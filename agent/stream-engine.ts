// The engine that keeps one `pytest -n` session for a whole run and feeds its xdist workers. Owns the session's directory, and that a session
// which died is replaced.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptEnding, AttemptRequest } from '../shared/attempt.ts';
import { ShardlineError } from '../shared/errors.ts';
import type { AttemptEvent } from '../shared/events.ts';
import { makeSessionDirectory, removeSessionDirectory, writeSessionFile } from '../shared/pytest/session-file.ts';
import { startPytest } from '../shared/pytest/start-pytest.ts';
import { causeOf } from './core/interrupt.ts';
import type { Engine, Session, SessionRequest } from './ports.ts';
import { processEngine } from './process-engine.ts';
import { type AttemptLog, createAttemptLog } from './pytest/attempt-log.ts';
import { type FedPytest, START_MS, startFed, Unstreamable } from './pytest/fed-pytest.ts';
import type { FedEnding } from './pytest/fed-task.ts';
import type { SelfTest } from './pytest/self-test.ts';

/** An attempt that is over sooner than this leaves its worker to wait for the next one's way through Redis, if none waits here. */
const SHORT_MS = 250;

/** How many sessions may die while an attempt waits for its turn in them. */
const SESSION_LIMIT = 3;

const LIMITS = { tracebackBytes: 100_000, sectionBytes: 64_000 } as const;

/** `tell` hears, a line each, what a user should know of how his tests are run. Without a self-test this pytest is trusted to be one that can be fed. */
export function streamEngine(tell: (line: string) => void, selfTest: SelfTest | null = null, replaceMs: number = START_MS): Engine {
  return { open: (request) => open(request, tell, selfTest, replaceMs) };
}

/** Throws `Unstreamable`, `session-not-started`, `no-workspace` and `no-python`. */
async function open(request: SessionRequest, tell: (line: string) => void, selfTest: SelfTest | null, replaceMs: number): Promise<Session> {
  const { agent, python, workspace, numprocesses, maxAutoWorkers, keepCoverage } = request;
  const { pytestArgs, cache, serialMarker, stopsItself, relay, maxWorkerBytes, maxWorkerFiles } = request.spec;
  const directory = await makeSessionDirectory();
  let sessions = 0;
  let peakRssBytes = 0;
  const cpuSeconds = new Map<FedPytest, number>();
  let averageMs = SHORT_MS;
  let isClosed = false;
  let fed: FedPytest | null = null;
  /** For what cannot be fed after all. */
  let besides: Promise<Session> | null = null;
  let tested: Promise<string | null> | null = null;
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
    const from = { pytestArgs, cache, serialMarker, stopsItself, relay, maxWorkerBytes, maxWorkerFiles } as const;
    await writeSessionFile(sessionPath, { mode: 'stream', ...own, ...from });
    const pytest = await startFed({
      socket,
      startProcess: () => startPytest({ python, workspace, sessionPath, environment: request.environment ?? {} }),
      command: [python, '-m', 'pytest', ...pytestArgs],
      agent,
      drain: request.spec.drain,
      testTimeoutSeconds: request.spec.testTimeoutSeconds,
      room: request.room,
      replaceMs,
      tell,
      // Beside the start of the first session's xdist workers.
      onStarted: (started) => {
        tested ??= selfTest?.(python, started) ?? null;
      },
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

  /** An attempt that only waited when its session died is no part of that: it goes to the next session, as long as one can be had. */
  const serve = async (
    log: AttemptLog,
    attempt: AttemptRequest,
    interrupt: AbortSignal,
  ): Promise<[FedPytest, Exclude<FedEnding, { kind: 'unbegun' }>]> => {
    for (let sessions = 1; ; sessions += 1) {
      const pytest = await living();
      const ending = await pytest.run(log, attempt, interrupt);
      if (ending.kind !== 'unbegun') return [pytest, ending];
      if (sessions === SESSION_LIMIT) return [pytest, { kind: 'lost' }];
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
      if (ending.kind !== 'short') return ending;
      tell(`a pytest of its own for the rest of ${ending.files.join(', ')}, which reported fewer results than it announced tests`);
      besides ??= processEngine().open({ ...request, isMoreWaiting: async () => false });
      return await (await besides).run({ ...attempt, selectors: log.remaining() }, tellEvent, interrupt);
    } catch (thrown) {
      if (thrown instanceof ShardlineError) return { kind: 'not-started', error: thrown.code, detail: thrown.message };
      if (thrown instanceof Unstreamable) return { kind: 'not-started', error: 'session-not-started', detail: thrown.message };
      throw thrown;
    }
  };

  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    try {
      await Promise.all([fed?.end(), besides?.then((session) => session.close())]);
      await Promise.all(keeping);
    } finally {
      await removeSessionDirectory(directory);
    }
  };

  try {
    const pytest = await living();
    const problem = await tested;
    if (problem !== null) throw new Unstreamable(problem);
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
