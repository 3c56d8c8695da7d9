// One pytest process with fed xdist workers: its socket, the task of each worker, and what happens to a task whose worker dies.

import { setTimeout as delay } from 'node:timers/promises';
import { type AttemptRequest, runsAlone } from '../../shared/domain/attempt.ts';
import type { SessionEnding } from '../../shared/domain/events.ts';
import type { Drain } from '../../shared/domain/run-spec.ts';
import type { Shown } from '../../shared/domain/shown.ts';
import type { HowToCollect, SuiteList } from '../../shared/domain/suite-list.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { selectorAsJson } from '../../shared/pytest/session-file.ts';
import type { PytestProcess } from '../../shared/pytest/start-pytest.ts';
import { shellCommand } from '../../shared/text/shell-quote.ts';
import { tailOf } from '../../shared/text/tail.ts';
import { causeOf, graceOf } from '../core/interrupt.ts';
import { sessionEnding } from '../core/session-ending.ts';
import { RunOver, type Session } from '../ports.ts';
import type { WorkerNumbers } from '../worker-numbers.ts';
import type { AttemptLog, StartedPytest } from './attempt-log.ts';
import type { PytestMessage } from './codec.ts';
import { type Covered, createCovered } from './coverage-ledger.ts';
import { crashed, doneEnding, type FedEnding, type Task } from './fed-task.ts';
import { createWatch } from './hang-watchdog.ts';
import { type Inbox, openInbox, type Room } from './plugin-socket.ts';
import { createShownLog } from './shown.ts';
import { createStartLimit } from './start-limit.ts';
import { createClaims } from './task-claims.ts';
import { createFeeding } from './work-stealing.ts';
import { createWorkerLists } from './worker-lists.ts';
import { createUsage } from './worker-usage.ts';

/** Time from the start until the first xdist worker is ready; by then it has imported conftests and plugins. */
export const START_MS = 120_000;
/** Time that an ending session has for its last teardowns. */
const END_MS = 30_000;
/** How long a worker at the last test it knows of waits for the next task while tasks wait in the queue, and how often it checks. */
const HOLD_MS = 1000;
const HOLD_STEP_MS = 50;
/** Longest delay between the end of a worker's connection and the message about its death. */
const DEATH_NOTICE_MS = 5000;
/** The number of workers that may end between an attempt's tests before the attempt counts as crashed. */
const UNEXPLAINED_LIMIT = 2;
/** The number of workers in a row that may end before they are ready. More mean that a conftest or a plugin kills them. */
const STILLBORN_LIMIT = 3;
/** The number of files that may kill workers during the collection of the whole list. */
const DEADLY_LIMIT = 50;
/** The length of pytest's output in an ending. */
const DETAIL_CHARS = 8000;

/** The facts that an agent's session reports about its pytest. */
export const infoOf = ({ workers, python, pytest, xdist, fingerprint }: StartedPytest): Session['info'] => ({
  workers,
  python,
  pytest,
  xdist,
  installed: fingerprint,
});

/** How to start one fed pytest. */
export interface FedRequest {
  /** The socket path, which the session file names too. */
  readonly socket: string;
  readonly startProcess: () => Promise<PytestProcess>;
  /** The command that a user would type to start the same pytest. */
  readonly command: readonly string[];
  readonly agent: string;
  readonly drain: Drain | null;
  /** Limit for one test; null when there is none. */
  readonly testTimeoutSeconds: number | null;
  readonly room: Room;
  readonly workers: WorkerNumbers;
  /** Longest time without an xdist worker once the session had one, in milliseconds. */
  readonly replaceMs: number;
  /** Prints one line for the user. */
  readonly tell: (line: string) => void;
  /** Receives what pytest reported about itself before its xdist workers are ready, and decides how they collect. */
  readonly collect: (started: StartedPytest) => Promise<HowToCollect>;
  /** Whether attempts wait in the queue. Rejects when Redis does not answer. */
  readonly isMoreWaiting: () => Promise<boolean>;
  /** Aborts when the session is no longer needed before it is ready. */
  readonly ending: AbortSignal;
  /** Receives the whole list, if the workers collect it. */
  readonly listed: (list: SuiteList) => void;
  /** Receives the reason why the files of the suite depend on each other. */
  readonly inseparable: (why: string, lacksModules: boolean) => void;
  /** Receives pytest's message when it rejects paths or options. */
  readonly refused: (message: string) => void;
  /** Receives what pytest shows besides results, with each task. */
  readonly show?: (shown: Shown) => void;
  /** Receives how hooks of the suite changed the exit code of the session. */
  readonly ended?: (ending: SessionEnding) => void;
}

/** One pytest process whose xdist workers are fed. */
export interface FedPytest {
  readonly info: Session['info'];
  run(log: AttemptLog, attempt: AttemptRequest, interrupt: AbortSignal): Promise<FedEnding>;
  isOver(): boolean;
  /** Largest sum of its xdist workers' resident memory in bytes, as they reported it. */
  peakRssBytes(): number;
  /** Processor time of all its xdist workers in seconds; each counts up to the end of its last test. */
  cpuSeconds(): number;
  /** Resolves when the process is gone and its last message has been read. */
  readonly ended: Promise<void>;
  /** The attempts with measured coverage; final once the process has ended. */
  readonly covered: Covered['told'];
  /** Makes every worker tear down its fixtures, then kills what is left. */
  end(): Promise<void>;
}

/**
 * Starts pytest and resolves when its first xdist worker is ready.
 * Throws `session-not-started`, `no-workspace` and `no-python`.
 */
export async function startFed(request: FedRequest): Promise<FedPytest> {
  const { socket, startProcess, command, agent, drain, room, workers, tell } = request;
  let tasks = 0;
  const claims = createClaims(socket);
  const usage = createUsage();
  const shownLog = createShownLog();
  const show = (): void => {
    const shown = shownLog.take();
    if (shown !== null) request.show?.(shown);
  };
  const covered = createCovered();
  /** Open attempts by the number under which workers know them. */
  const byNumber = new Map<number, Task>();
  /** Each worker's current or latest task. A message about the worker's teardowns belongs to it. */
  const latest = new Map<string, Task>();
  /** Whether a worker was killed because its attempt had to end. */
  let isCutShort = false;
  /** pytest's own exit code. */
  let finished: number | null = null;
  /** Workers that were ready once, and how many others have ended since the last one became ready. */
  const born = new Set<string>();
  let stillborn = 0;
  /** The number of workers that are not ready yet, counting those that xdist still starts or replaces. */
  let coming = Number.POSITIVE_INFINITY;
  /**
   * Workers that may run tests. Without one, and with a replacement that hangs at its start, the waiting tasks would never run; the timer
   * `alone` prevents this.
   */
  const present = new Set<string>();
  let alone: NodeJS.Timeout | null = null;
  const pids = new Map<string, number>();
  const info = Promise.withResolvers<Session['info']>();
  const ready = Promise.withResolvers<void>();
  let broken: unknown = null;
  let pytest: PytestProcess | null = null;
  let over: string | null = null;
  let ending = false;
  /** How workers collect; null until the coordinator has decided. */
  let how: HowToCollect | null = null;
  /** Ready workers that wait until all first workers are ready, as under plain xdist; null from then on. */
  let gathering: string[] | null = [];
  let gateTimer: NodeJS.Timeout | undefined;
  let isInterrupted = false;

  const watch = createWatch({
    testTimeoutSeconds: request.testTimeoutSeconds,
    shardSeconds: (worker) => latest.get(worker)?.predictedSeconds ?? 0,
    printedBytes: () => pytest?.printedBytes() ?? 0,
    outputSince: (bytes) => pytest?.output(bytes) ?? '',
  });

  const notStarted = (problem: string): ShardlineError =>
    new ShardlineError('session-not-started', { agent, problem, command: shellCommand(command) });

  /** The file that each worker is collecting for the whole list, and the files that killed a worker there, each with the reason. */
  const collectedFile = new Map<string, string>();
  const deadly = new Map<string, string>();
  /** Internal errors of pytest in workers without a task. */
  const internalErrors = new Map<string, string>();

  const starting = createStartLimit(START_MS, () => notStarted(`no xdist worker was ready within ${START_MS / 1000} s`));

  const lists = createWorkerLists(
    (worker) => inbox.send(worker, { kind: 'send-list' }),
    (list) => request.listed(list),
  );

  /** No test starts before every first worker is ready: a worker that is still starting may clear files that another's tests have made. */
  const gather = (worker: string): void => {
    if (gathering === null) {
      feeding.free(worker);
      return;
    }
    gathering.push(worker);
    expectOthers();
    openGate();
  };
  const openGate = (isLate = false): void => {
    if (gathering === null || (coming > 0 && !isLate)) return;
    const first = gathering;
    gathering = null;
    clearTimeout(gateTimer);
    for (const worker of first) feeding.free(worker);
  };
  /**
   * Restarts the timer whenever another worker makes progress. A worker that hangs at its start must not keep the others from running
   * tests.
   */
  const expectOthers = (): void => {
    if (gathering === null || gathering.length === 0) return;
    clearTimeout(gateTimer);
    gateTimer = setTimeout(() => {
      tell(`starting tests before every xdist worker is ready: no other worker became ready within ${request.replaceMs / 1000} s`);
      openGate(true);
    }, request.replaceMs);
  };

  const beginCollecting = (worker: string): void => {
    if (how === null || worker === 'controller') return;
    const { mode, proves, modules, preloads } = how;
    inbox.send(worker, { kind: 'begin', collect: mode, proves, modules, preloads, deadly: Object.fromEntries(deadly) });
    if (born.size === 0) starting.expect();
  };

  /** The worker holds back its last test until it knows the next one. */
  const promiseNext = async (worker: string): Promise<void> => {
    for (let waitedMs = 0; !ending && over === null; waitedMs += HOLD_STEP_MS) {
      if (feeding.promise(worker)) return;
      // The test must not wait for a Redis that fails, or that answers too late.
      const isMore = waitedMs < HOLD_MS && (await Promise.race([request.isMoreWaiting().catch(() => false), delay(HOLD_MS, false)]));
      if (feeding.promise(worker)) return;
      if (!isMore) break;
      await delay(HOLD_STEP_MS);
    }
    inbox.send(worker, { kind: 'none' });
  };

  const settle = (task: Task, ending: FedEnding): void => {
    byNumber.delete(task.number);
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
    },
  });

  const giveUp = (problem: string): void => {
    broken ??= notStarted(problem);
    ready.reject(broken);
    pytest?.kill();
  };

  const depart = (worker: string): void => {
    present.delete(worker);
    expectOne();
  };
  /** If no worker may run tests, a new one must become ready in time. */
  const expectOne = (): void => {
    if (present.size > 0 || over !== null || ending) return;
    // Workers with another list wait for an end that xdist does not send, so xdist replaces none of them.
    if (coming <= 0 && lists.hasOdd())
      giveUp('no xdist worker is left that collected the same tests as the first one: some test ids differ between processes');
    else
      alone ??= setTimeout(() => giveUp(`no replacement xdist worker was ready within ${request.replaceMs / 1000} s`), request.replaceMs);
  };

  /** Without xdist workers pytest itself runs the tests, so the test during which it ended is to blame. Returns whether there was one. */
  const blames = (task: Task, how: string): boolean => {
    if (task.interruptedBy !== null || task.log.isExitRequested) return false;
    const before = task.log.missing().length;
    const message = watch.hear({ kind: 'worker-down', worker: 'main', error: watch.endedHere('main') ?? how, isReplaced: false }, 'main');
    task.log.hear(message, 'main');
    task.selectors = task.log.remaining();
    return task.log.missing().length < before;
  };

  /** The worker is gone. Its current test or file is to blame; the rest of its attempt goes to another worker. */
  const lose = (worker: string, error: string, isReplaced: boolean): void => {
    const down = { kind: 'worker-down', worker, error, isReplaced } as const;
    const task = feeding.leave(worker);
    gathering = gathering?.filter((each) => each !== worker) ?? null;
    if (isReplaced) coming += 1;
    lists.lose(worker);
    usage.forget(worker);
    if (!born.has(worker)) coming -= 1;
    depart(worker);
    const file = collectedFile.get(worker);
    collectedFile.delete(worker);
    const inside = internalErrors.get(worker);
    if (file !== undefined && deadly.size < DEADLY_LIMIT) {
      const how = inside === undefined ? error : `${error}\n${inside}`;
      deadly.set(file, `xdist worker ${worker} crashed while collecting ${file}: ${how}`);
    } else if (!born.has(worker) && ++stillborn > STILLBORN_LIMIT) giveUp(`its xdist workers crash at their start: ${error}`);
    openGate();
    if (task === undefined) {
      latest.get(worker)?.log.hear(down, worker);
      return;
    }
    covered.lose(task.attempt);
    const before = task.log.missing().length;
    task.log.hear(down, worker);
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
        starting.rest();
        expectOthers();
        beginCollecting(message.worker);
        return;
      case 'started':
        coming = message.workers;
        request.collect(message).then(
          (chosen) => {
            how = chosen;
            for (const each of pids.keys()) beginCollecting(each);
          },
          (problem: unknown) => {
            broken ??= problem;
            ready.reject(problem);
            pytest?.kill();
          },
        );
        if (message.coverage !== null) covered.begin(message.coverage);
        info.resolve(infoOf(message));
        return;
      case 'collecting':
        starting.rest();
        expectOthers();
        clearTimeout(alone ?? undefined);
        alone = null;
        if (message.task === 0 && message.file !== '.') collectedFile.set(worker, message.file);
        if (message.task !== 0) byNumber.get(message.task)?.log.hear(message, worker);
        return;
      case 'file-collected':
        collectedFile.delete(worker);
        return;
      case 'listed':
        if (!lists.take(worker, message)) {
          tell(
            `xdist worker ${worker} collected other tests than the first one, so it runs none: some test ids differ between processes. Fix: give parameters a fixed order, for example with sorted(...)`,
          );
        }
        return;
      case 'list-group':
        lists.group(worker, message);
        return;
      case 'list-end':
        lists.end(worker, message);
        return;
      case 'internal-error':
        if (!latest.has(worker)) internalErrors.set(worker, message.message);
        latest.get(worker)?.log.hear(message, worker);
        return;
      case 'inseparable':
        request.inseparable(message.why, message.lacksModules);
        return;
      case 'usage-error':
        request.refused(message.message);
        giveUp(`pytest rejected its arguments: ${message.message}`);
        return;
      case 'needs-next':
        void promiseNext(worker);
        return;
      case 'declined': {
        const task = feeding.leave(worker);
        coming += 1;
        depart(worker);
        if (task !== undefined) feeding.addFirst(task);
        return;
      }
      case 'workers-wanted':
        void (message.isReplacement ? workers.replace() : workers.begin(message.count))
          .catch((thrown: unknown) => {
            tell(
              `xdist workers keep the ids that xdist gives them, which may be in use by another agent on this machine: ${messageOf(thrown)}`,
            );
            return { ids: [], numbers: [] };
          })
          .then((numbered) => inbox.send(worker, { kind: 'numbered', ...numbered }));
        return;
      case 'relaying':
        tell(`reports also pass through pytest's main process: ${message.why}`);
        return;
      case 'not-relayed':
        tell(`a report of ${message.nodeid} did not reach pytest's main process: ${message.problem}`);
        return;
      case 'shown':
        shownLog.hear(message);
        return;
      case 'ready': {
        show();
        const isOdd = how?.mode === 'suite' && !lists.ready(worker);
        if (!born.has(worker)) coming -= 1;
        born.add(worker);
        stillborn = 0;
        if (!isOdd) {
          present.add(worker);
          ready.resolve();
          clearTimeout(alone ?? undefined);
          alone = null;
        }
        if (ending) inbox.send(worker, { kind: 'end' });
        else if (!isOdd) gather(worker);
        else {
          expectOne();
          openGate();
        }
        return;
      }
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
        lose(message.worker, message.error, message.isReplaced);
        return;
      case 'task-done': {
        show();
        if (message.isLast) {
          usage.forget(worker);
          // The worker is recycled, or it is the last of a session that ends by itself.
          coming += 1;
          depart(worker);
        }
        const empty = byNumber.get(message.task);
        if (empty !== undefined && feeding.doneAhead(worker, empty)) {
          covered.done(empty.attempt, message.isCovered);
          settle(empty, doneEnding(empty, message.isWhole));
          return;
        }
        // Free the worker first, because a task may be waiting for it; settle the task after that.
        const task = message.isLast ? feeding.leave(worker) : feeding.done(worker);
        if (task === undefined) return;
        covered.done(task.attempt, message.isCovered);
        settle(task, doneEnding(task, message.isWhole));
        return;
      }
      case 'collected':
      case 'collect-failed':
        byNumber.get(message.task)?.log.hear(message, worker);
        return;
      default: {
        usage.hear(message, worker);
        const task = message.kind === 'test-finished' && message.task !== undefined ? byNumber.get(message.task) : latest.get(worker);
        task?.log.hear(message, worker);
      }
    }
  };

  /** A worker that ends in order in the middle of a task (pytest.exit, -x) sends no `worker-down`. */
  const gone = (worker: string): void => {
    setTimeout(() => {
      if (feeding.holds(worker)) lose(worker, 'it ended before its task', false);
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
    show();
    starting.rest();
    clearTimeout(alone ?? undefined);
    clearTimeout(gateTimer);
    const how = exit.signal === null ? `pytest ended with exit code ${exit.exitCode}` : `pytest was killed by ${exit.signal}`;
    const output = tailOf(pytest.output().trim(), DETAIL_CHARS);
    if (ending && broken === null && !isInterrupted && !isCutShort) {
      const end = sessionEnding({ finished, exitCode: exit.exitCode, output });
      if (end.problem !== null || end.acceptsNoTests) request.ended?.(end);
    }
    over = `${how}${broken === null ? '' : `\n${messageOf(broken)}`}\n${output}`;
    // The whole process is gone. No single test caused that, so no xdist worker's test is blamed.
    const alive = feeding.atWork('main');
    for (const task of feeding.clear()) {
      if (task.isBegun) covered.lose(task.attempt);
      if (!task.isBegun) settle(task, { kind: 'again', isBlamed: false });
      else if (task === alive && blames(task, how))
        settle(task, task.selectors.length === 0 ? { kind: 'finished' } : { kind: 'again', isBlamed: true });
      else settle(task, crashed(exit.exitCode, exit.signal, task, over));
    }
    watch.close();
    await inbox.close();
    return over;
  })();
  // The code below awaits this promise and reports a failure to start.
  exited.catch(() => undefined);

  const onEnding = (): void => {
    broken ??= new RunOver();
    ready.reject(broken);
    pytest?.kill();
  };
  request.ending.addEventListener('abort', onEnding, { once: true });
  if (request.ending.aborted) onEnding();
  ready.promise.catch(() => undefined);
  starting.expect();
  try {
    const started = Promise.all([info.promise, ready.promise]).then(([found]) => found);
    const found = await Promise.race([started, exited.then((how) => Promise.reject(broken ?? notStarted(how))), starting.late]);
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
    starting.rest();
    request.ending.removeEventListener('abort', onEnding);
  }

  async function run(log: AttemptLog, { id, role, predictedSeconds }: AttemptRequest, interrupt: AbortSignal): Promise<FedEnding> {
    // The attempt may have been interrupted while the session started.
    if (interrupt.aborted) return { kind: 'interrupted', by: causeOf(interrupt) };
    const settled = Promise.withResolvers<FedEnding>();
    const task: Task = {
      number: ++tasks,
      attempt: id,
      log,
      selectors: log.remaining(),
      isSerial: runsAlone(role),
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
      // Ctrl-C ends a whole session, so the agent sends it only when the run ends too.
      if (cause === 'deadline') timers.push(setTimeout(() => interruptAll(), grace.interruptMs));
      timers.push(
        setTimeout(() => {
          isCutShort = true;
          log.expectLosses();
          kill(pids.get(worker));
          if (cause === 'deadline') pytest?.kill();
        }, grace.killMs),
      );
    };
    interrupt.addEventListener('abort', onInterrupt, { once: true });
    byNumber.set(task.number, task);
    if (over !== null) settle(task, { kind: 'again', isBlamed: false });
    else feeding.add(task);
    try {
      return await settled.promise;
    } finally {
      interrupt.removeEventListener('abort', onInterrupt);
      for (const timer of timers) clearTimeout(timer);
    }
  }

  /** Interrupts once: a second Ctrl-C would cut short the teardown of fixtures. */
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
    // Only a worker that is still in a teardown counts this as a failure.
    if (over === null) for (const worker of latest.keys()) lose(worker, `its last teardowns took longer than ${END_MS / 1000} s`, false);
    pytest?.kill();
    await exited.catch(() => undefined);
  }
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process is gone already.
  }
}
