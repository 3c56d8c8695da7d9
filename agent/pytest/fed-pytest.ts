// One pytest process whose xdist workers are fed: its socket, which worker has which task, and what becomes of a task whose worker dies.

import { setTimeout as delay } from 'node:timers/promises';
import { type AttemptRequest, runsAlone } from '../../shared/attempt.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { selectorAsJson } from '../../shared/pytest/session-file.ts';
import type { PytestProcess } from '../../shared/pytest/start-pytest.ts';
import type { Drain } from '../../shared/run-spec.ts';
import { shellCommand } from '../../shared/shell-words.ts';
import { closingProblem } from '../core/closing-problem.ts';
import { causeOf, graceOf } from '../core/interrupt.ts';
import type { Session } from '../ports.ts';
import type { AttemptLog, StartedPytest } from './attempt-log.ts';
import { createClaims } from './claims.ts';
import type { PytestMessage } from './codec.ts';
import { type Covered, createCovered } from './covered.ts';
import { crashed, doneEnding, type FedEnding, type Task } from './fed-task.ts';
import { createFeeding } from './feeding.ts';
import { type Inbox, openInbox, type Room } from './inbox.ts';
import { createUsage } from './usage.ts';
import { createWatch } from './watch.ts';

/** How long a session may take until its first xdist worker is ready: conftests and plugins are imported by then. */
export const START_MS = 120_000;
/** How long a session that was told to end may take for its last teardowns. */
const END_MS = 30_000;
/** How long after a worker's connection its death is told, at most. */
const DEATH_NOTICE_MS = 5000;
/** How many workers may end between an attempt's tests before it counts as crashed. */
const UNEXPLAINED_LIMIT = 2;
/** How many workers in a row may end before they are ready: a conftest or a plugin kills them. */
const STILLBORN_LIMIT = 3;
/** How much of what pytest printed an ending carries. */
const DETAIL_CHARS = 8000;

const versionsOf = ({ workers, python, pytest, xdist }: StartedPytest) => ({ workers, python, pytest, xdist });

/** Thrown by `open` when this pytest cannot be fed; the process engine can run it. */
export class Unstreamable extends Error {}

/** How one such process is started. */
export interface FedRequest {
  /** Where it will find us, as its session file says. */
  readonly socket: string;
  readonly startProcess: () => Promise<PytestProcess>;
  /** What a user would type to see the same pytest. */
  readonly command: readonly string[];
  readonly agent: string;
  readonly drain: Drain | null;
  /** What one test may take; null when nobody says. */
  readonly testTimeoutSeconds: number | null;
  readonly room: Room;
  /** How long a session may be without an xdist worker once it had one. */
  readonly replaceMs: number;
  /** Hears, a line each, what a user should know. */
  readonly tell: (line: string) => void;
  /** Hears what pytest found itself to be, before its xdist workers are ready. */
  readonly onStarted: (started: StartedPytest) => void;
}

/** One pytest process whose xdist workers are fed. */
export interface FedPytest {
  readonly info: Session['info'];
  run(log: AttemptLog, attempt: AttemptRequest, interrupt: AbortSignal): Promise<FedEnding>;
  isOver(): boolean;
  /** Largest sum of its xdist workers' resident memory, as far as they told it. */
  peakRssBytes(): number;
  /** Processor time of all its xdist workers, each up to the end of its last test. */
  cpuSeconds(): number;
  /** Resolves when it is gone and nothing more will be heard. */
  readonly ended: Promise<void>;
  /** Of which attempts coverage was measured; final when it has ended. */
  readonly covered: Covered['told'];
  /** Lets every worker tear down what it has set up, then makes sure that nothing is left. */
  end(): Promise<void>;
}

/**
 * Starts pytest and resolves when its first xdist worker is ready.
 * Throws `Unstreamable`, `session-not-started`, `no-workspace` and `no-python`.
 */
export async function startFed(request: FedRequest): Promise<FedPytest> {
  const { socket, startProcess, command, agent, drain, room, tell, onStarted } = request;
  let tasks = 0;
  const claims = createClaims(socket);
  const usage = createUsage();
  const covered = createCovered();
  /** What each worker is at or was at last: what it tells of its teardowns belongs there. */
  const latest = new Map<string, Task>();
  /** The last one of which more than results is heard: what goes wrong at the session's end belongs there. */
  let last: Task | null = null;
  /** What pytest itself came to. */
  let finished: number | null = null;
  /** Workers that were ready once, and how many others ended since the last became so. */
  const born = new Set<string>();
  let stillborn = 0;
  /** Workers that are there. Where none is, and what replaces them hangs at its start, nobody would ever run what waits. */
  const present = new Set<string>();
  let alone: NodeJS.Timeout | null = null;
  const pids = new Map<string, number>();
  const info = Promise.withResolvers<Session['info']>();
  const ready = Promise.withResolvers<void>();
  let broken: unknown = null;
  let pytest: PytestProcess | null = null;
  let over: string | null = null;
  let ending = false;
  let isInterrupted = false;

  const watch = createWatch({
    testTimeoutSeconds: request.testTimeoutSeconds,
    shardSeconds: (worker) => latest.get(worker)?.predictedSeconds ?? 0,
    printedBytes: () => pytest?.printedBytes() ?? 0,
    outputSince: (bytes) => pytest?.output(bytes) ?? '',
  });

  const notStarted = (problem: string): ShardlineError =>
    new ShardlineError('session-not-started', { agent, problem, command: shellCommand(command) });

  const settle = (task: Task, ending: FedEnding): void => {
    const by = task.interruptedBy ?? (task.log.isExitRequested ? 'pytest-exit' : null);
    task.settle(by !== null && ending.kind !== 'finished' ? { kind: 'interrupted', by } : ending);
  };

  const feeding = createFeeding<Task>({
    send: (worker, task, claim) => {
      const selectors = task.selectors.map(selectorAsJson);
      return inbox.send(worker, { kind: 'run', task: task.number, claim, isSerial: task.isSerial, selectors });
    },
    newClaim: claims.next,
    takeBack: claims.take,
    began(worker, task) {
      task.isBegun = true;
      latest.set(worker, task);
      if (!task.isRerun) last = task;
    },
  });

  const depart = (worker: string): void => {
    present.delete(worker);
    if (present.size > 0 || over !== null || ending) return;
    alone ??= setTimeout(() => {
      broken ??= notStarted(`no xdist worker that replaces another was ready in ${request.replaceMs / 1000} s`);
      pytest?.kill();
    }, request.replaceMs);
  };

  /** The worker is gone. What it ran at is to blame; what is left of its attempt goes to another. */
  const lose = (worker: string, error: string): void => {
    const task = feeding.leave(worker);
    usage.forget(worker);
    depart(worker);
    if (!born.has(worker) && ++stillborn > STILLBORN_LIMIT) {
      broken ??= notStarted(`its xdist workers end at their start: ${error}`);
      ready.reject(broken);
      pytest?.kill();
    }
    if (task === undefined) {
      latest.get(worker)?.log.hear({ kind: 'worker-down', worker, error }, worker);
      return;
    }
    covered.lose(task.attempt);
    const before = task.log.missing().length;
    task.log.hear({ kind: 'worker-down', worker, error }, worker);
    const remaining = task.log.remaining();
    const isBlamed = task.log.missing().length < before;
    task.selectors = remaining;
    if (remaining.length === 0) settle(task, { kind: 'finished' });
    else if (
      task.interruptedBy === null &&
      !task.log.isExitRequested &&
      over === null &&
      (isBlamed || ++task.unexplained <= UNEXPLAINED_LIMIT)
    )
      feeding.addFirst(task);
    else settle(task, crashed(null, null, task, `xdist worker ${worker} ended between tests: ${error}`));
  };

  const hear = (heard: PytestMessage, worker: string): void => {
    const message = watch.hear(heard, worker);
    switch (message.kind) {
      case 'hello':
        pids.set(message.worker, message.pid);
        return;
      case 'started':
        onStarted(message);
        if (message.coverage !== null) covered.begin(message.coverage);
        info.resolve({ ...versionsOf(message), installed: message.fingerprint });
        return;
      case 'unsupported':
        ready.reject(new Unstreamable(message.problem));
        return;
      case 'relaying':
        tell(`reports also go through pytest's main process, because ${message.why}`);
        return;
      case 'not-relayed':
        tell(`a report of ${message.nodeid} did not reach pytest's main process: ${message.problem}`);
        return;
      case 'ready':
        ready.resolve();
        born.add(worker);
        present.add(worker);
        clearTimeout(alone ?? undefined);
        alone = null;
        stillborn = 0;
        if (ending) inbox.send(worker, { kind: 'end' });
        else feeding.free(worker);
        return;
      case 'finished':
        finished = message.exitCode;
        return;
      case 'exit-requested': {
        const task = latest.get(worker);
        task?.log.hear(message, worker);
        if (task?.log.isExitRequested !== true || feeding.leave(worker) !== task) return;
        covered.lose(task.attempt);
        settle(task, doneEnding(task, false));
        return;
      }
      case 'worker-down':
        lose(message.worker, message.error);
        return;
      case 'task-done': {
        if (message.isLast) {
          usage.forget(worker);
          depart(worker);
        }
        // First the workers, one of which may wait.
        const task = message.isLast ? feeding.leave(worker) : feeding.done(worker);
        if (task === undefined) return;
        covered.done(task.attempt, message.isCovered);
        settle(task, doneEnding(task, message.isWhole));
        return;
      }
      default:
        usage.hear(message, worker);
        latest.get(worker)?.log.hear(message, worker);
    }
  };

  /** A worker that ends in order in the middle of a task (pytest.exit, -x) is not told as down. */
  const gone = (worker: string): void => {
    setTimeout(() => {
      if (feeding.holds(worker)) lose(worker, 'it ended before its task');
    }, DEATH_NOTICE_MS).unref();
  };

  const inbox: Inbox = await openInbox(
    socket,
    hear,
    (problem) => {
      broken ??= problem;
      pytest?.kill();
    },
    room,
    gone,
  );
  const exited = (async () => {
    pytest = await startProcess();
    const exit = await pytest.exited;
    await inbox.drained();
    watch.close();
    clearTimeout(alone ?? undefined);
    const how = exit.signal === null ? `pytest ended with exit code ${exit.exitCode}` : `pytest was killed by ${exit.signal}`;
    const output = pytest.output().trim().slice(-DETAIL_CHARS);
    const problem = ending && broken === null && !isInterrupted ? closingProblem({ finished, exitCode: exit.exitCode, output }) : null;
    if (problem !== null) (last as Task | null)?.log.failLast(problem);
    over = `${how}${broken === null ? '' : `\n${messageOf(broken)}`}\n${output}`;
    // All of it is gone, which is no single test's doing: nobody is blamed.
    for (const task of feeding.clear()) {
      if (task.isBegun) covered.lose(task.attempt);
      settle(task, task.isBegun ? crashed(exit.exitCode, exit.signal, task, over) : { kind: 'unbegun' });
    }
    await inbox.close();
    return over;
  })();
  // Awaited where it matters; a failure to start is told below.
  exited.catch(() => undefined);

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
    return {
      info: found,
      run,
      isOver: () => over !== null,
      peakRssBytes: usage.peakRssBytes,
      cpuSeconds: usage.cpuSeconds,
      ended: exited.then(() => undefined),
      covered: covered.told,
      end,
    };
  } catch (thrown) {
    (pytest as PytestProcess | null)?.kill();
    await exited.catch(() => undefined);
    throw thrown;
  } finally {
    limit.abort();
  }

  async function run(
    log: AttemptLog,
    { id, selectors, role, predictedSeconds }: AttemptRequest,
    interrupt: AbortSignal,
  ): Promise<FedEnding> {
    // While the session started.
    if (interrupt.aborted) return { kind: 'interrupted', by: causeOf(interrupt) };
    const settled = Promise.withResolvers<FedEnding>();
    const task: Task = {
      number: ++tasks,
      attempt: id,
      log,
      selectors,
      isSerial: runsAlone(role),
      isRerun: role === 'rerun',
      predictedSeconds,
      isBegun: false,
      interruptedBy: null,
      unexplained: 0,
      settle: settled.resolve,
    };
    const timers: NodeJS.Timeout[] = [];
    const onInterrupt = (): void => {
      const cause = causeOf(interrupt);
      task.interruptedBy = cause;
      const found = feeding.withdraw(task);
      if (found?.kind === 'withdrawn') settle(task, { kind: 'interrupted', by: cause });
      if (found?.kind !== 'begun') return;
      const { worker } = found;
      inbox.send(worker, { kind: 'stop', task: task.number });
      const grace = graceOf(cause, drain);
      // Ctrl-C ends a whole session: only where the run ends with it.
      if (cause === 'deadline') timers.push(setTimeout(() => interruptAll(), grace.interruptMs));
      timers.push(
        setTimeout(() => {
          log.expectLosses();
          kill(pids.get(worker));
          if (cause === 'deadline') pytest?.kill();
        }, grace.killMs),
      );
    };
    interrupt.addEventListener('abort', onInterrupt, { once: true });
    if (over !== null) settle(task, { kind: 'unbegun' });
    else feeding.add(task);
    try {
      return await settled.promise;
    } finally {
      interrupt.removeEventListener('abort', onInterrupt);
      for (const timer of timers) clearTimeout(timer);
    }
  }

  /** Once: a second Ctrl-C would cut the teardown of fixtures short. */
  function interruptAll(): void {
    if (isInterrupted) return;
    isInterrupted = true;
    for (const task of feeding.running()) task.log.expectLosses();
    pytest?.interrupt();
  }

  async function end(): Promise<void> {
    ending = true;
    for (const worker of pids.keys()) inbox.send(worker, { kind: 'end' });
    const late = new AbortController();
    await Promise.race([exited, delay(END_MS, null, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    // Only a worker that is still in a teardown takes this for a failure.
    if (over === null) for (const worker of latest.keys()) lose(worker, `its last teardowns took longer than ${END_MS / 1000} s`);
    pytest?.kill();
    await exited.catch(() => undefined);
  }
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already: that is what was wanted.
  }
}
