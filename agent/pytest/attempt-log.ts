// The reports of one attempt so far: turns the plugin's messages into attempt events and knows which results are missing.

import { assertNever } from '../../shared/assert-never.ts';
import type { CoverageOrigin } from '../../shared/domain/coverage.ts';
import type { AttemptEvent } from '../../shared/domain/events.ts';
import { type NodeId, nodeId, testFile } from '../../shared/domain/ids.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import type { PythonPrint } from '../../shared/domain/suite/fingerprint.ts';
import { blame, failedTeardown } from '../core/blame.ts';
import { foldPhases } from '../core/fold-phases.ts';
import { createRemainingWork, type RemainingWork } from '../core/remaining-work.ts';
import { createWorkerActivity, type WorkerActivity } from '../core/worker-activity.ts';
import { needsFrom, type PytestMessage } from './codec.ts';

/** The facts that pytest reported about itself at its start. */
export interface StartedPytest {
  /** Absolute path of the interpreter. */
  readonly executable: string;
  readonly workers: number;
  readonly python: string;
  readonly pytest: string;
  readonly xdist: string;
  /** Why pytest cannot be fed files one by one; null when it can. */
  readonly unfeedable: string | null;
  /** The prefixes of the paths in pytest-cov's data; null when pytest-cov measures nothing for shardline. */
  readonly coverage: CoverageOrigin | null;
  readonly fingerprint: PythonPrint;
}

export interface AttemptLog {
  receive(message: PytestMessage, worker: string): void;
  /** From now on shardline ends xdist workers itself, so a lost worker is no result of the test it ran. */
  expectLosses(): void;
  /**
   * The tests get Ctrl-C. What they report from now on is no result: a test that turns the interruption into something else fails, or passes,
   * for a reason that is not its own.
   */
  interrupt(): void;
  /** Whether a test or a file asked to end the run: by pytest.exit, or by a KeyboardInterrupt that shardline did not send. */
  readonly isExitRequested: boolean;
  /** The unfinished test that started first. */
  running(): NodeId | null;
  /** Files without a collection result, and announced tests without a result. */
  missing(): readonly string[];
  /** The same as selectors, in order: the work that is left for another xdist worker. */
  remaining(): readonly Selector[];
}

/** What the log of one attempt consists of. */
interface Log {
  readonly work: RemainingWork;
  readonly activity: WorkerActivity;
  readonly emit: (event: AttemptEvent) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Internal errors of pytest, by worker; they explain why the worker then ends. */
  readonly internalErrors: Map<string, string>;
  areLossesExpected: boolean;
  /** When its tests got Ctrl-C; null if they did not. */
  interruptedAt: number | null;
  isExitRequested: boolean;
}

/** A message of one kind. */
type Message<Kind extends PytestMessage['kind']> = Extract<PytestMessage, { readonly kind: Kind }>;

/**
 * Every xdist worker collects every file and reports it; the log passes on each file once, and each test's result once. `now` is
 * milliseconds since the epoch.
 */
export function createAttemptLog(selectors: readonly Selector[], emit: (event: AttemptEvent) => void, now: () => number): AttemptLog {
  const work = createRemainingWork(selectors);
  const activity = createWorkerActivity();
  const log: Log = {
    ...{ work, activity, emit, now },
    internalErrors: new Map(),
    areLossesExpected: false,
    interruptedAt: null,
    isExitRequested: false,
  };
  return {
    receive: (message, worker) => receive(log, message, worker),
    expectLosses() {
      log.areLossesExpected = true;
    },
    interrupt() {
      log.areLossesExpected = true;
      log.interruptedAt ??= now();
    },
    get isExitRequested() {
      return log.isExitRequested;
    },
    running: activity.running,
    missing: work.missing,
    remaining: work.selectors,
  };
}

function receive(log: Log, message: PytestMessage, worker: string): void {
  switch (message.kind) {
    case 'hello':
    case 'started':
    case 'workers-wanted':
    case 'ready':
    case 'task-done':
    case 'needs-next':
    case 'handed-back':
    case 'listed':
    case 'list-group':
    case 'file-collected':
    case 'list-end':
    // The test has its result. What the check runs into is no second one.
    case 'examining':
    case 'examined':
    case 'inseparable':
    case 'usage-error':
    case 'relaying':
    case 'not-relayed':
    case 'not-forked':
    case 'shown':
    case 'finished':
      return;
    case 'collecting':
      log.activity.startCollecting(worker, testFile(message.file));
      return;
    case 'collected':
      collect(log, message, worker);
      return;
    case 'collect-failed':
      failToCollect(log, message, worker);
      return;
    case 'test-started':
      startTest(log, message, worker);
      return;
    case 'test-finished':
      finishTest(log, message, worker);
      return;
    case 'tearing-down':
      log.activity.startTeardown(worker, nodeId(message.nodeid));
      return;
    case 'torn-down':
      endTeardown(log, message, worker);
      return;
    case 'exit-requested':
      exit(log, message, worker);
      return;
    case 'internal-error':
      log.internalErrors.set(worker, message.message);
      return;
    case 'worker-down':
      lose(log, message.worker, message.error);
      return;
    default:
      assertNever(message);
  }
}

function collect({ work, activity, emit, now }: Log, message: Message<'collected'>, worker: string): void {
  const file = testFile(message.file);
  activity.endCollecting(worker, null);
  const nodeids = message.nodeids.map(nodeId);
  const serial = message.serial.map(nodeId);
  if (!work.collect(file, nodeids, [...serial, ...message.unmet.map(nodeId)])) return;
  const { seconds, mayBackUp, digest } = message;
  const needs = message.needs.length === 0 ? {} : { needs: message.needs.map(needsFrom) };
  emit({ kind: 'collected', at: now(), file, nodeids, serial, ...needs, mayBackUp, digest, seconds, worker });
}

function failToCollect({ work, activity, emit, now, interruptedAt }: Log, message: Message<'collect-failed'>, worker: string): void {
  const file = testFile(message.file);
  activity.endCollecting(worker, file);
  if (interruptedAt !== null || !work.fail(file)) return;
  const errors = message.errors.map((error) => ({ nodeid: nodeId(error.nodeid), message: error.message }));
  emit({ kind: 'collect-failed', at: now(), file, errors });
}

function startTest({ activity, emit }: Log, message: Message<'test-started'>, worker: string): void {
  const nodeid = nodeId(message.nodeid);
  activity.startTest(worker, { nodeid, startedAt: message.at });
  emit({ kind: 'test-started', at: message.at, nodeid, worker });
}

function finishTest({ work, activity, emit, interruptedAt }: Log, message: Message<'test-finished'>, worker: string): void {
  const { at, startedAt, line, sections, warnings, properties } = message;
  const nodeid = nodeId(message.nodeid);
  activity.endTest(worker);
  if (interruptedAt !== null && at >= interruptedAt) return;
  const folded = foldPhases(message.phases);
  if (folded === null || !work.settle(nodeid)) return;
  const about = { nodeid, file: work.fileFor(nodeid), line, startedAt, worker, isCrash: false };
  emit({ kind: 'test-finished', at, result: { ...about, sections, warnings, properties, ...folded } });
}

function endTeardown({ work, activity, emit, now, interruptedAt }: Log, message: Message<'torn-down'>, worker: string): void {
  activity.endTeardown(worker);
  if (message.message === null || interruptedAt !== null) return;
  const after = nodeId(message.nodeid);
  emit(failedTeardown(now(), work.fileFor(after), after, `in a teardown after ${after}:\n${message.message}`));
}

function exit(log: Log, { reason }: Message<'exit-requested'>, worker: string): void {
  if (log.areLossesExpected) return;
  log.isExitRequested = true;
  settleUnfinished(log, worker, false, (when) => `pytest.exit was called ${when}: ${reason}`);
}

function lose(log: Log, worker: string, error: string): void {
  const inside = log.internalErrors.get(worker);
  log.internalErrors.delete(worker);
  const details = inside === undefined ? error : `${error}\n${inside}`;
  settleUnfinished(log, worker, true, (when) => `xdist worker ${worker} crashed ${when}: ${details}`);
}

/** Settles the test, collection or teardown that `worker` cannot finish. `problem` receives the phrase that names it. */
function settleUnfinished(log: Log, worker: string, isCrash: boolean, problem: (when: string) => string): void {
  const unfinished = log.activity.end(worker);
  if (log.areLossesExpected) return;
  for (const event of blame({ worker, at: log.now(), isCrash, problem }, unfinished, log.work)) log.emit(event);
}
