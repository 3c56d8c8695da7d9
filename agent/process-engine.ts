// The engine that starts a new `pytest -n` for every shard. Owns these processes and their session files; the agent loop decides what runs.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AttemptEnding, type AttemptRequest, runsAlone } from '../shared/attempt.ts';
import { ShardlineError } from '../shared/errors.ts';
import type { AttemptEvent } from '../shared/events.ts';
import { refuseMissingPackage } from '../shared/pytest/result-file.ts';
import { makeSessionDirectory, removeSessionDirectory, writeSessionFile } from '../shared/pytest/session-file.ts';
import { startPytest } from '../shared/pytest/start-pytest.ts';
import { shellCommand } from '../shared/shell-words.ts';
import { classifyExit } from './core/classify-exit.ts';
import { closingProblem } from './core/closing-problem.ts';
import { causeOf, graceOf } from './core/interrupt.ts';
import type { Engine, Session, SessionRequest } from './ports.ts';
import { createAttemptLog } from './pytest/attempt-log.ts';
import { type NarrowedPytest, startNarrowed } from './pytest/narrowed-pytest.ts';

/** How much of what pytest printed an ending carries. */
const DETAIL_CHARS = 8000;

const LIMITS = { tracebackBytes: 100_000, sectionBytes: 64_000 } as const;

export function processEngine(): Engine {
  return { open };
}

/** Starts a first pytest with the run's own arguments, up to the point where it would collect: what it would refuse is refused here. */
async function open(request: SessionRequest): Promise<Session> {
  const { agent, python, workspace, numprocesses, maxAutoWorkers, keepCoverage } = request;
  const { pytestArgs, serialMarker, stopsItself, drain } = request.spec;
  const directory = await makeSessionDirectory();
  const living = new Set<NarrowedPytest>();
  /** Where each pytest has what it measured. */
  const measuredIn = new WeakMap<NarrowedPytest, string>();
  let started = 0;
  let peakRssBytes = 0;
  let cpuSeconds = 0;
  let isClosed = false;

  const start = async (isSerial: boolean): Promise<NarrowedPytest> => {
    started += 1;
    const socket = join(directory, `${started}.sock`);
    const sessionPath = join(directory, `${started}.json`);
    const resultPath = join(directory, `${started}-result.json`);
    const measured = join(directory, `coverage-${started}`);
    if (keepCoverage !== null) await mkdir(measured);
    const coverageFile = keepCoverage === null ? null : join(measured, 'data');
    const own = {
      socket,
      resultPath,
      coverageFile,
      pytestArgs,
      numprocesses: isSerial ? '1' : numprocesses,
      maxAutoWorkers,
      limits: LIMITS,
    };
    await writeSessionFile(sessionPath, { mode: 'run', ...own, serialMarker, stopsItself, isSerial });
    const pytest = await startNarrowed(
      socket,
      () => startPytest({ python, workspace, sessionPath }),
      request.room,
      request.spec.testTimeoutSeconds,
    );
    living.add(pytest);
    measuredIn.set(pytest, measured);
    void pytest.exited.then(() => living.delete(pytest));
    if (isClosed) pytest.kill();
    return pytest;
  };

  const close = async (): Promise<void> => {
    isClosed = true;
    await next?.catch(() => undefined);
    for (const pytest of living) pytest.kill();
    await Promise.all([...living].map((pytest) => pytest.exited));
    await removeSessionDirectory(directory);
  };

  /** The pytest that was started ahead, for whatever attempt comes. */
  let next: Promise<NarrowedPytest> | null = null;

  /** Starts the next while the last tests of this one run: then there are fewer of them than xdist workers, and a core to spare. */
  const startAhead = async (): Promise<void> => {
    // Where Redis does not say, nothing is started that might not be needed.
    const isNeeded = await request.isMoreWaiting().catch(() => false);
    if (isNeeded && !isClosed) next ??= start(false);
    // A start that failed is told by the attempt that wanted it.
    next?.catch(() => undefined);
  };

  const take = async (isSerial: boolean): Promise<NarrowedPytest> => {
    const ahead = isSerial ? null : next;
    if (ahead === null) return await start(isSerial);
    next = null;
    const pytest = await ahead;
    // One that died while it waited is no doing of this attempt's.
    return pytest.isGone() ? await start(false) : pytest;
  };

  const firstStarted = async (): Promise<Session['info']> => {
    next = start(false);
    const pytest = await next;
    const info = await pytest.started;
    if (info !== null)
      return { workers: info.workers, python: info.python, pytest: info.pytest, xdist: info.xdist, installed: info.fingerprint };
    const { exitCode, signal } = await pytest.exited;
    await refuseMissingPackage(join(directory, '1-result.json'), python);
    const problem = `it ended with ${signal ?? `exit code ${exitCode}`}\n${pytest.output().trim().slice(-DETAIL_CHARS)}`;
    throw new ShardlineError('session-not-started', { agent, problem, command: shellCommand([python, '-m', 'pytest', ...pytestArgs]) });
  };

  const serve = async (
    { workers }: Session['info'],
    attempt: AttemptRequest,
    tell: (event: AttemptEvent) => void,
    interrupt: AbortSignal,
  ): Promise<AttemptEnding> => {
    if (interrupt.aborted) return { kind: 'interrupted', by: causeOf(interrupt) };
    const isSerial = runsAlone(attempt.role);
    let isDraining = isSerial;
    const log = createAttemptLog(
      attempt.selectors,
      (event) => {
        tell(event);
        if (isDraining || event.kind !== 'test-finished' || log.unfinished() >= workers) return;
        isDraining = true;
        void startAhead();
      },
      Date.now,
    );
    const timers: NodeJS.Timeout[] = [];
    let pytest: NarrowedPytest | null = null;
    const onInterrupt = (): void => {
      const grace = graceOf(causeOf(interrupt), drain);
      const stop = (): void => {
        log.expectLosses();
        pytest?.interrupt();
      };
      if (grace.interruptMs === 0) stop();
      else timers.push(setTimeout(stop, grace.interruptMs));
      timers.push(setTimeout(() => pytest?.kill(), grace.killMs));
    };
    interrupt.addEventListener('abort', onInterrupt, { once: true });
    try {
      pytest = await take(isSerial);
      pytest.begin(attempt, log);
      if (interrupt.aborted) onInterrupt();
      const exit = await pytest.exited;
      peakRssBytes = Math.max(peakRssBytes, log.rssBytes);
      cpuSeconds += log.cpuSeconds;
      const output = pytest.output().trim().slice(-DETAIL_CHARS);
      const isWhole = log.started !== null && log.missing().length === 0 && !pytest.isBroken();
      const problem = isWhole ? closingProblem({ finished: log.finished?.exitCode ?? null, exitCode: exit.exitCode, output }) : null;
      if (problem !== null && attempt.role !== 'rerun') log.failLast(problem);
      const ending = classifyExit({
        ...exit,
        isStarted: log.started !== null,
        finished: pytest.isBroken() ? null : log.finished,
        interruptedBy: interrupt.aborted ? causeOf(interrupt) : null,
        isExitRequested: log.isExitRequested,
        missing: log.missing(),
        running: log.running(),
        output,
      });
      const origin = log.started?.coverage ?? null;
      const directory = measuredIn.get(pytest);
      if (origin !== null && directory !== undefined) {
        // pytest-cov writes its data when all is over, and not where an exception ended it.
        const isCovered = ending.kind === 'finished' && !pytest.isShort();
        await keepCoverage?.({ directory, origin, attempts: isCovered ? [attempt.id] : [], lost: isCovered ? [] : [attempt.id] });
      }
      return ending;
    } catch (thrown) {
      if (!(thrown instanceof ShardlineError)) throw thrown;
      return { kind: 'not-started', error: thrown.code, detail: thrown.message };
    } finally {
      interrupt.removeEventListener('abort', onInterrupt);
      for (const timer of timers) clearTimeout(timer);
    }
  };

  try {
    const info = await firstStarted();
    const run: Session['run'] = (attempt, tell, interrupt) => serve(info, attempt, tell, interrupt);
    return { slots: 1, info, run, peakRssBytes: () => peakRssBytes, cpuSeconds: () => cpuSeconds, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
