// The engine that keeps one `pytest -n` session for a whole run and feeds its xdist workers, one attempt at a time each. Owns that process and
// its socket, which worker has which attempt, and what becomes of an attempt whose worker dies.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AttemptEnding, type AttemptRequest, type InterruptCause, interruptCauses } from '../shared/attempt.ts';
import { messageOf, ShardlineError } from '../shared/errors.ts';
import type { AttemptEvent } from '../shared/events.ts';
import { makeSessionDirectory, removeSessionDirectory, selectorAsJson, writeSessionFile } from '../shared/pytest/session-file.ts';
import { type PytestProcess, startPytest } from '../shared/pytest/start-pytest.ts';
import type { Selector } from '../shared/shard.ts';
import type { Engine, Session, SessionRequest } from './ports.ts';
import { type AttemptLog, createAttemptLog } from './pytest/attempt-log.ts';
import type { PytestMessage } from './pytest/codec.ts';
import { type Inbox, openInbox } from './pytest/inbox.ts';

/** How long a session may take until its first xdist worker is ready: conftests and plugins are imported by then. */
const START_MS = 120_000;
/** How long an interrupted attempt may go on with the test it is at. */
const INTERRUPT_MS = 3000;
/** The same when the run's time is over: there is none to give. */
const DEADLINE_INTERRUPT_MS = 300;
/** How long a session that was told to end may take for its last teardowns. */
const END_MS = 10_000;
/** How long after a worker's connection its death is told, at most. */
const DEATH_NOTICE_MS = 5000;
/** Attempts that wait beside those that run, so that no worker waits for Redis. */
const PREFETCH = 1;
/** How many workers may end between an attempt's tests before it counts as crashed. */
const UNEXPLAINED_LIMIT = 2;
/** How much of what pytest printed an ending carries. */
const DETAIL_CHARS = 8000;

const LIMITS = { tracebackBytes: 100_000, sectionBytes: 64_000 } as const;

/** Thrown by `open` when this pytest cannot be fed; the process engine can run it. */
export class Unstreamable extends Error {}

export function streamEngine(): Engine {
  return { open };
}

/** One attempt on its way through the session. */
interface Task {
  readonly log: AttemptLog;
  /** What is still to run. */
  selectors: readonly Selector[];
  readonly isSerial: boolean;
  interruptedBy: InterruptCause | null;
  /** How many workers ended under it without a test to blame. */
  unexplained: number;
  readonly settle: (ending: AttemptEnding) => void;
}

/** Throws `Unstreamable`, `session-not-started`, `no-workspace` and `no-python`. */
async function open(request: SessionRequest): Promise<Session> {
  const { agent, python, workspace, numprocesses, maxAutoWorkers } = request;
  const { pytestArgs, serialMarker } = request.spec;
  const directory = await makeSessionDirectory();
  let sessions = 0;
  let peakRssBytes = 0;
  let isClosed = false;
  let fed: FedPytest | null = null;

  const start = async (): Promise<FedPytest> => {
    sessions += 1;
    const socket = join(directory, `${sessions}.sock`);
    const sessionPath = join(directory, `${sessions}.json`);
    await writeSessionFile(sessionPath, { mode: 'stream', socket, pytestArgs, numprocesses, maxAutoWorkers, limits: LIMITS, serialMarker });
    return await startFed(socket, () => startPytest({ python, workspace, sessionPath }), [python, '-m', 'pytest', ...pytestArgs], agent);
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

  const run = async (attempt: AttemptRequest, tell: (event: AttemptEvent) => void, interrupt: AbortSignal): Promise<AttemptEnding> => {
    if (interrupt.aborted) return { kind: 'interrupted', by: causeOf(interrupt) };
    const log = createAttemptLog(attempt.selectors, tell, Date.now);
    try {
      const pytest = await living();
      const ending = await pytest.run(log, attempt, interrupt);
      peakRssBytes = Math.max(peakRssBytes, pytest.rssBytes());
      return ending;
    } catch (thrown) {
      if (thrown instanceof ShardlineError) return { kind: 'not-started', error: thrown.code, detail: thrown.message };
      if (thrown instanceof Unstreamable) return { kind: 'not-started', error: 'session-not-started', detail: thrown.message };
      throw thrown;
    }
  };

  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await fed?.end();
    await removeSessionDirectory(directory);
  };

  try {
    const pytest = await living();
    return { slots: pytest.info.workers + PREFETCH, info: pytest.info, run, peakRssBytes: () => peakRssBytes, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** One pytest process whose xdist workers are fed. */
interface FedPytest {
  readonly info: Session['info'];
  run(log: AttemptLog, attempt: AttemptRequest, interrupt: AbortSignal): Promise<AttemptEnding>;
  isOver(): boolean;
  rssBytes(): number;
  /** Lets every worker tear down what it has set up, then makes sure that nothing is left. */
  end(): Promise<void>;
}

async function startFed(
  socket: string,
  startProcess: () => Promise<PytestProcess>,
  command: readonly string[],
  agent: string,
): Promise<FedPytest> {
  const queue: Task[] = [];
  const idle: string[] = [];
  const busy = new Map<string, Task>();
  const pids = new Map<string, number>();
  const rss = new Map<string, number>();
  const info = Promise.withResolvers<Session['info']>();
  const ready = Promise.withResolvers<void>();
  let over: string | null = null;
  let ending = false;

  const settle = (task: Task, ending: AttemptEnding): void => {
    task.settle(task.interruptedBy !== null && ending.kind !== 'finished' ? { kind: 'interrupted', by: task.interruptedBy } : ending);
  };

  const pump = (): void => {
    for (let worker = idle[0]; worker !== undefined && queue.length > 0; worker = idle[0]) {
      idle.shift();
      const task = queue.shift();
      if (task === undefined) return;
      if (inbox.send(worker, { kind: 'run', isSerial: task.isSerial, selectors: task.selectors.map(selectorAsJson) }))
        busy.set(worker, task);
      else queue.unshift(task);
    }
  };

  /** The worker is gone. What it ran at is to blame; what is left of its attempt goes to another. */
  const lose = (worker: string, error: string): void => {
    const at = idle.indexOf(worker);
    if (at !== -1) idle.splice(at, 1);
    const task = busy.get(worker);
    busy.delete(worker);
    if (task === undefined) return;
    const before = task.log.missing().length;
    task.log.hear({ kind: 'worker-down', worker, error }, worker);
    const remaining = task.log.remaining();
    const isBlamed = task.log.missing().length < before;
    task.selectors = remaining;
    if (remaining.length === 0) settle(task, { kind: 'finished' });
    else if (task.interruptedBy === null && over === null && (isBlamed || ++task.unexplained <= UNEXPLAINED_LIMIT)) {
      queue.unshift(task);
      pump();
    } else settle(task, crashed(null, null, task, `xdist worker ${worker} ended between tests: ${error}`));
  };

  const hear = (message: PytestMessage, worker: string): void => {
    switch (message.kind) {
      case 'hello':
        pids.set(message.worker, message.pid);
        return;
      case 'started':
        info.resolve({ workers: message.workers, python: message.python, pytest: message.pytest, xdist: message.xdist });
        return;
      case 'unsupported':
        ready.reject(new Unstreamable(message.problem));
        return;
      case 'ready':
        ready.resolve();
        if (ending) inbox.send(worker, { kind: 'end' });
        else idle.push(worker);
        pump();
        return;
      case 'worker-down':
        lose(message.worker, message.error);
        return;
      case 'task-done': {
        const task = busy.get(worker);
        busy.delete(worker);
        idle.push(worker);
        if (task !== undefined) settle(task, doneEnding(task, message.isWhole));
        pump();
        return;
      }
      default:
        if (message.kind === 'test-finished') rss.set(worker, Math.max(message.rssBytes, rss.get(worker) ?? 0));
        busy.get(worker)?.log.hear(message, worker);
    }
  };

  /** A worker that ends in order in the middle of a task (pytest.exit, -x) is not told as down. */
  const gone = (worker: string): void => {
    setTimeout(() => {
      if (busy.has(worker) || idle.includes(worker)) lose(worker, 'it ended before its task');
    }, DEATH_NOTICE_MS).unref();
  };

  let broken: unknown = null;
  let pytest: PytestProcess | null = null;
  const inbox: Inbox = await openInbox(
    socket,
    hear,
    (problem) => {
      broken ??= problem;
      pytest?.kill();
    },
    gone,
  );
  const exited = (async () => {
    pytest = await startProcess();
    const exit = await pytest.exited;
    await inbox.drained();
    const how = exit.signal === null ? `pytest ended with exit code ${exit.exitCode}` : `pytest was killed by ${exit.signal}`;
    over = `${how}${broken === null ? '' : `\n${messageOf(broken)}`}\n${pytest.output().trim().slice(-DETAIL_CHARS)}`;
    // All of it is gone, which is no single test's doing: nobody is blamed.
    for (const task of [...busy.values(), ...queue.splice(0)]) settle(task, crashed(exit.exitCode, exit.signal, task, over));
    busy.clear();
    await inbox.close();
    return over;
  })();
  // Awaited where it matters; a failure to start is told below.
  exited.catch(() => undefined);

  const notStarted = (problem: string): ShardlineError =>
    new ShardlineError('session-not-started', { agent, problem, command: command.join(' ') });
  const limit = new AbortController();
  try {
    const started = Promise.all([info.promise, ready.promise]).then(([found]) => found);
    const found = await Promise.race([
      started,
      exited.then((how) => Promise.reject(notStarted(how))),
      delay(START_MS, null, { signal: limit.signal }).then(() =>
        Promise.reject(notStarted(`no xdist worker was ready in ${START_MS / 1000} s`)),
      ),
    ]);
    return { info: found, run, isOver: () => over !== null, rssBytes: () => [...rss.values()].reduce((sum, bytes) => sum + bytes, 0), end };
  } catch (thrown) {
    (pytest as PytestProcess | null)?.kill();
    await exited.catch(() => undefined);
    throw thrown;
  } finally {
    limit.abort();
  }

  async function run(log: AttemptLog, { selectors, role }: AttemptRequest, interrupt: AbortSignal): Promise<AttemptEnding> {
    const settled = Promise.withResolvers<AttemptEnding>();
    const task: Task = { log, selectors, isSerial: role === 'serial', interruptedBy: null, unexplained: 0, settle: settled.resolve };
    let killing: NodeJS.Timeout | null = null;
    const onInterrupt = (): void => {
      task.interruptedBy = causeOf(interrupt);
      const at = queue.indexOf(task);
      if (at !== -1) {
        queue.splice(at, 1);
        settle(task, { kind: 'interrupted', by: task.interruptedBy });
        return;
      }
      const worker = [...busy].find(([, each]) => each === task)?.[0];
      if (worker === undefined) return;
      inbox.send(worker, { kind: 'stop' });
      killing = setTimeout(() => {
        log.expectLosses();
        kill(pids.get(worker));
      }, interruptMs(interrupt));
    };
    interrupt.addEventListener('abort', onInterrupt, { once: true });
    queue.push(task);
    if (over !== null) settle(task, crashed(null, null, task, over));
    else pump();
    try {
      return await settled.promise;
    } finally {
      interrupt.removeEventListener('abort', onInterrupt);
      if (killing !== null) clearTimeout(killing);
    }
  }

  async function end(): Promise<void> {
    ending = true;
    for (const worker of pids.keys()) inbox.send(worker, { kind: 'end' });
    const late = new AbortController();
    await Promise.race([exited, delay(END_MS, null, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    pytest?.kill();
    await exited.catch(() => undefined);
  }
}

function doneEnding(task: Task, isWhole: boolean): AttemptEnding {
  const missing = task.log.missing();
  if (missing.length === 0) return { kind: 'finished' };
  if (!isWhole) return { kind: 'interrupted', by: task.interruptedBy ?? 'maxfail' };
  return crashed(null, null, task, 'The xdist worker said that it was done, but not all that was announced has a result.');
}

function crashed(exitCode: number | null, signal: string | null, task: Task, detail: string): AttemptEnding {
  return { kind: 'crashed', exitCode, signal, running: task.log.running(), detail };
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already: that is what was wanted.
  }
}

function causeOf(interrupt: AbortSignal): InterruptCause {
  return interruptCauses.find((cause) => cause === interrupt.reason) ?? 'cancelled';
}

const interruptMs = (interrupt: AbortSignal): number => (causeOf(interrupt) === 'deadline' ? DEADLINE_INTERRUPT_MS : INTERRUPT_MS);
