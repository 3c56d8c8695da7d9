// The engine that starts a new `pytest -n` for every shard. Owns these processes and their session files; the agent loop decides what runs.

import { join } from 'node:path';
import type { AttemptEnding, AttemptRequest } from '../shared/attempt.ts';
import { messageOf, ShardlineError } from '../shared/errors.ts';
import type { AttemptEvent } from '../shared/events.ts';
import { readProbeResult } from '../shared/pytest/result-file.ts';
import { makeSessionDirectory, removeSessionDirectory, writeSessionFile } from '../shared/pytest/session-file.ts';
import { type PytestProcess, startPytest } from '../shared/pytest/start-pytest.ts';
import { classifyExit } from './core/classify-exit.ts';
import { causeOf, graceOf } from './core/interrupt.ts';
import type { Engine, Session, SessionRequest } from './ports.ts';
import { createAttemptLog } from './pytest/attempt-log.ts';
import { openInbox } from './pytest/inbox.ts';

/** How much of what pytest printed an ending carries. */
const DETAIL_CHARS = 8000;

const LIMITS = { tracebackBytes: 100_000, sectionBytes: 64_000 } as const;

export function processEngine(): Engine {
  return { open };
}

/** Starts pytest once with the run's own arguments, up to the point where it would collect: what it would refuse is refused here. */
async function open(request: SessionRequest): Promise<Session> {
  const { agent, python, workspace, numprocesses, maxAutoWorkers } = request;
  const pytestArgs = request.spec.pytestArgs;
  const directory = await makeSessionDirectory();
  const processes = new Set<PytestProcess>();
  let attempts = 0;
  let peakRssBytes = 0;
  let cpuSeconds = 0;
  let isClosed = false;

  const start = async (sessionPath: string): Promise<PytestProcess> => {
    const pytest = await startPytest({ python, workspace, sessionPath });
    processes.add(pytest);
    void pytest.exited.then(() => processes.delete(pytest));
    if (isClosed) pytest.kill();
    return pytest;
  };

  const close = async (): Promise<void> => {
    isClosed = true;
    for (const pytest of processes) pytest.kill();
    await Promise.all([...processes].map((pytest) => pytest.exited));
    await removeSessionDirectory(directory);
  };

  const probe = async (): Promise<Session['info']> => {
    const sessionPath = join(directory, 'probe.json');
    const resultPath = join(directory, 'probe-result.json');
    await writeSessionFile(sessionPath, { mode: 'probe', resultPath, pytestArgs, numprocesses, maxAutoWorkers });
    const pytest = await start(sessionPath);
    const { exitCode, signal } = await pytest.exited;
    const result = await readProbeResult(resultPath, python);
    if (result !== null) return { workers: result.workers, python: result.python, pytest: result.pytest, xdist: result.xdist };
    const problem = `it ended with ${signal ?? `exit code ${exitCode}`}\n${pytest.output().trim().slice(-DETAIL_CHARS)}`;
    throw new ShardlineError('session-not-started', { agent, problem, command: [python, '-m', 'pytest', ...pytestArgs].join(' ') });
  };

  const run = async (attempt: AttemptRequest, tell: (event: AttemptEvent) => void, interrupt: AbortSignal): Promise<AttemptEnding> => {
    if (interrupt.aborted) return { kind: 'interrupted', by: causeOf(interrupt) };
    attempts += 1;
    const socket = join(directory, `${attempts}.sock`);
    const sessionPath = join(directory, `${attempts}.json`);
    const log = createAttemptLog(attempt.selectors, tell, Date.now);
    let broken: unknown = null;
    let pytest: PytestProcess | null = null;
    const timers: NodeJS.Timeout[] = [];

    const onBroken = (problem: unknown): void => {
      broken ??= problem;
      pytest?.kill();
    };
    const inbox = await openInbox(socket, log.hear, onBroken, request.room);
    const onInterrupt = (): void => {
      const grace = graceOf(causeOf(interrupt), request.spec.drain);
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
      const limits = { tracebackBytes: LIMITS.tracebackBytes, sectionBytes: LIMITS.sectionBytes };
      const { selectors, role } = attempt;
      const isSerial = role === 'serial';
      const serialMarker = request.spec.serialMarker;
      const own = { socket, pytestArgs, numprocesses: isSerial ? '1' : numprocesses, maxAutoWorkers, limits };
      await writeSessionFile(sessionPath, { mode: 'run', ...own, selectors, serialMarker, isSerial });
      pytest = await start(sessionPath);
      if (interrupt.aborted) onInterrupt();
      const exit = await pytest.exited;
      await inbox.drained();
      peakRssBytes = Math.max(peakRssBytes, log.rssBytes);
      cpuSeconds += log.cpuSeconds;
      const output = `${broken === null ? '' : `${messageOf(broken)}\n`}${pytest.output().trim().slice(-DETAIL_CHARS)}`;
      return classifyExit({
        ...exit,
        isStarted: log.started !== null,
        finished: broken === null ? log.finished : null,
        interruptedBy: interrupt.aborted ? causeOf(interrupt) : null,
        isExitRequested: log.isExitRequested,
        missing: log.missing(),
        running: log.running(),
        output,
      });
    } catch (thrown) {
      if (!(thrown instanceof ShardlineError)) throw thrown;
      return { kind: 'not-started', error: thrown.code, detail: thrown.message };
    } finally {
      interrupt.removeEventListener('abort', onInterrupt);
      for (const timer of timers) clearTimeout(timer);
      await inbox.close();
    }
  };

  try {
    const info = await probe();
    return { slots: 1, info, run, peakRssBytes: () => peakRssBytes, cpuSeconds: () => cpuSeconds, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
