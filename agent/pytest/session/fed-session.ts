// The parts of one fed session, and how they depend on each other. What a message does to them is in messages/.

import type { Needs } from '../../../shared/domain/needs.ts';
import { selectorAsJson } from '../../../shared/pytest/session-file.ts';
import { type Covered, createCovered } from '../coverage-ledger.ts';
import type { Task } from '../fed-task.ts';
import { createHangWatchdog, type HangWatchdog } from '../hang-watchdog.ts';
import type { PluginSocket } from '../plugin-socket.ts';
import { createShownLog, type ShownLog } from '../shown.ts';
import { createStartLimit, START_MS, type StartLimit } from '../start-limit.ts';
import { createClaims } from '../task-claims.ts';
import { createFeeding, type Feeding } from '../work-stealing.ts';
import { createWorkerLists, type WorkerLists } from '../worker-lists.ts';
import { createUsage, type Usage } from '../worker-usage.ts';
import { type Collection, createCollection } from './collection.ts';
import { createDeadlyFiles, type DeadlyFiles } from './deadly-files.ts';
import { createFailure, type Failure } from './failure.ts';
import { type FedRequest, notStarted } from './fed-request.ts';
import { createInterruptions, type Interruptions } from './interruptions.ts';
import { createOpenTasks, type OpenTasks } from './open-tasks.ts';
import { createPytestHandle, type PytestHandle } from './pytest-handle.ts';
import { createReplacementLimit, type ReplacementLimit } from './replacement-limit.ts';
import { createRoster, type Roster } from './roster.ts';
import { createSessionMode, type SessionMode } from './session-mode.ts';
import { createStartGate, type StartGate } from './start-gate.ts';
import { createStartUp, type StartUp } from './start-up.ts';

export interface FedSession {
  readonly request: FedRequest;
  readonly send: PluginSocket['send'];
  readonly mode: SessionMode;
  readonly failure: Failure;
  readonly pytest: PytestHandle;
  readonly watchdog: HangWatchdog;

  // The start.
  readonly startUp: StartUp;
  readonly silence: StartLimit;
  readonly gate: StartGate;

  // The workers.
  readonly roster: Roster;
  readonly replacement: ReplacementLimit;
  readonly usage: Usage;

  // The collection.
  readonly collection: Collection;
  readonly lists: WorkerLists;
  readonly deadly: DeadlyFiles;

  // The attempts.
  readonly tasks: OpenTasks;
  readonly feeding: Feeding<Task>;
  readonly interruptions: Interruptions;
  readonly covered: Covered;
  readonly shown: ShownLog;
}

/** `send` writes one message to a worker. Returns false when its connection is gone. */
export function createFedSession(request: FedRequest, send: PluginSocket['send']): FedSession {
  const { drain, replaceMs, print } = request;
  const pytest = createPytestHandle(request.startProcess);
  const startUp = createStartUp();
  const failure = createFailure(startUp.refuse, pytest.kill);
  const roster = createRoster();
  const tasks = createOpenTasks();
  const deadly = createDeadlyFiles();
  const lists = createWorkerLists((worker) => send(worker, { kind: 'send-list' }), request.listed);
  const feeding = feedingOf(request, tasks, send);
  const seconds = replaceMs / 1000;
  return {
    request,
    send,
    mode: createSessionMode(),
    failure,
    pytest,
    watchdog: createHangWatchdog({
      testTimeoutSeconds: request.testTimeoutSeconds,
      shardSeconds: (worker) => tasks.latestOf(worker)?.predictedSeconds ?? 0,
      printedBytes: pytest.printedBytes,
      outputSince: pytest.output,
    }),
    startUp,
    silence: createStartLimit(START_MS, () => notStarted(request, `no xdist worker was ready within ${START_MS / 1000} s`)),
    gate: createStartGate({
      isComplete: roster.isComplete,
      admit: feeding.free,
      patienceMs: replaceMs,
      late: () => print(`starting tests before every xdist worker is ready: no other worker became ready within ${seconds} s`),
    }),
    roster,
    replacement: createReplacementLimit(replaceMs, () =>
      failure.giveUp(notStarted(request, `no replacement xdist worker was ready within ${seconds} s`)),
    ),
    usage: createUsage(),
    collection: createCollection(send, lists, deadly, request.checks),
    lists,
    deadly,
    tasks,
    feeding,
    interruptions: createInterruptions({ drain, feeding, tasks, pytest, send, pidOf: roster.pidOf }),
    covered: createCovered(),
    shown: createShownLog(),
  };
}

function feedingOf({ socket, labels }: FedRequest, tasks: OpenTasks, send: PluginSocket['send']): Feeding<Task> {
  const claims = createClaims(socket);
  return createFeeding<Task>({
    send(worker, task, claim) {
      const selectors = task.selectors.map(selectorAsJson);
      const grants = labels === null ? null : grantsOf(task.needs, labels);
      return send(worker, { kind: 'run', task: task.number, claim, isSerial: task.isSerial, grants, selectors });
    },
    newClaim: claims.next,
    takeBack: claims.take,
    began: tasks.begin,
  });
}

/** What the tests of a task may need, in the format that the plugin reads. */
const grantsOf = ({ resources }: Needs, labels: readonly string[]) => ({
  labels,
  resources: Object.fromEntries(resources.map(({ name, units }) => [name, units])),
});

/** Passes on what pytest has shown since the last call. */
export function passOnShown({ shown, request }: FedSession): void {
  const fresh = shown.take();
  if (fresh !== null) request.show?.(fresh);
}
