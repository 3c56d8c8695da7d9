// The reports of one attempt so far: turns the plugin's messages into attempt events and knows which results are missing.

import { assertNever } from '../../shared/assert-never.ts';
import type { CoverageOrigin } from '../../shared/domain/coverage.ts';
import type { AttemptEvent } from '../../shared/domain/events.ts';
import type { PythonPrint } from '../../shared/domain/fingerprint.ts';
import { fileOf, type NodeId, nodeId, type TestFile, testFile } from '../../shared/domain/ids.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import { foldPhases } from '../core/fold-phases.ts';
import type { PytestMessage } from './codec.ts';

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
  hear(message: PytestMessage, worker: string): void;
  /** From now on shardline ends xdist workers itself, so a lost worker is no result of the test it ran. */
  expectLosses(): void;
  /** Whether a test or a file asked to end the run: by pytest.exit, or by a KeyboardInterrupt that shardline did not send. */
  readonly isExitRequested: boolean;
  readonly started: StartedPytest | null;
  readonly finished: { readonly exitCode: number; readonly byMaxfail: boolean } | null;
  /** Sum of the peak resident memory of each process that ran tests, in bytes. */
  readonly rssBytes: number;
  /** Processor time of the processes that ran tests, in seconds; each counts up to the end of its last test. */
  readonly cpuSeconds: number;
  /** The unfinished test that started first. */
  running(): NodeId | null;
  /** The number of announced tests without a result. */
  unfinished(): number;
  /** Files without a collection result, and announced tests without a result. */
  missing(): readonly string[];
  /** The same as selectors, in order: the work that is left for another xdist worker. */
  remaining(): readonly Selector[];
}

/**
 * Every xdist worker collects every file and reports it; the log passes on each file once, and each test's result once. `now` is
 * milliseconds since the epoch.
 */
export function createAttemptLog(selectors: readonly Selector[], tell: (event: AttemptEvent) => void, now: () => number): AttemptLog {
  const collected = new Set<TestFile>();
  const failed = new Set<TestFile>();
  const open = new Set<NodeId>();
  /** The file with which each announced test was collected. Its node id may begin with another path. */
  const files = new Map<NodeId, TestFile>();
  const fileFor = (nodeid: NodeId): TestFile => files.get(nodeid) ?? fileOf(nodeid);
  const settled = new Set<NodeId>();
  const running = new Map<string, { readonly nodeid: NodeId; readonly startedAt: number }>();
  const collecting = new Map<string, TestFile>();
  const tearing = new Map<string, NodeId>();
  const rss = new Map<string, number>();
  const cpu = new Map<string, number>();
  const internalErrors = new Map<string, string>();
  let isExpectingLosses = false;
  let isExitRequested = false;
  let started: StartedPytest | null = null;
  let finished: AttemptLog['finished'] = null;

  const settle = (nodeid: NodeId): void => {
    settled.add(nodeid);
    open.delete(nodeid);
  };

  const failToCollect = (file: TestFile, why: string, nodeid = nodeId(file)): void =>
    tell({ kind: 'collect-failed', at: now(), file, errors: [{ nodeid, message: why }] });
  /** The test has its result already. A later failure becomes a separate error under the test's name. */
  const failAfter = (test: NodeId, why: string): void => failToCollect(fileFor(test), why, test);

  /** Settles the test, collection or teardown that `worker` cannot finish. `problem` receives the phrase that names it. */
  const blame = (worker: string, isCrash: boolean, problem: (when: string) => string): void => {
    const test = running.get(worker);
    const file = collecting.get(worker);
    const after = tearing.get(worker);
    running.delete(worker);
    collecting.delete(worker);
    tearing.delete(worker);
    if (isExpectingLosses) return;
    if (after !== undefined) {
      failAfter(after, problem(`in a teardown after ${after}`));
    }
    if (file !== undefined && !failed.has(file)) {
      failed.add(file);
      failToCollect(file, problem(`while collecting ${file}`));
    }
    if (test === undefined || settled.has(test.nodeid)) return;
    settle(test.nodeid);
    const message = problem(`while running ${test.nodeid}`);
    const seconds = Math.max(0, now() - test.startedAt) / 1000;
    const about = {
      nodeid: test.nodeid,
      file: fileFor(test.nodeid),
      line: null,
      startedAt: test.startedAt,
      seconds,
      setupSeconds: 0,
      worker,
    };
    tell({ kind: 'test-finished', at: now(), result: { ...about, outcome: 'error', isCrash, message, brief: null, sections: [] } });
  };

  const lose = (worker: string, error: string): void => {
    const inside = internalErrors.get(worker);
    internalErrors.delete(worker);
    blame(worker, true, (when) => `xdist worker ${worker} crashed ${when}: ${error}${inside === undefined ? '' : `\n${inside}`}`);
  };

  const hear = (message: PytestMessage, worker: string): void => {
    switch (message.kind) {
      case 'hello':
      case 'workers-wanted':
      case 'ready':
      case 'task-done':
      case 'needs-next':
      case 'declined':
      case 'listed':
      case 'list-group':
      case 'file-collected':
      case 'list-end':
      case 'inseparable':
      case 'usage-error':
      case 'relaying':
      case 'not-relayed':
      case 'shown':
        return;
      case 'collecting':
        collecting.set(worker, testFile(message.file));
        return;
      case 'exit-requested':
        if (isExpectingLosses) return;
        isExitRequested = true;
        blame(worker, false, (when) => `pytest.exit was called ${when}: ${message.reason}`);
        return;
      case 'internal-error':
        internalErrors.set(worker, message.message);
        return;
      case 'tearing-down':
        tearing.set(worker, nodeId(message.nodeid));
        return;
      case 'torn-down':
        tearing.delete(worker);
        if (message.message !== null) failAfter(nodeId(message.nodeid), `in a teardown after ${message.nodeid}:\n${message.message}`);
        return;
      case 'started':
        started = message;
        return;
      case 'collected': {
        const file = testFile(message.file);
        collecting.delete(worker);
        if (collected.has(file)) return;
        collected.add(file);
        const nodeids = message.nodeids.map(nodeId);
        const serial = message.serial.map(nodeId);
        for (const nodeid of nodeids) {
          files.set(nodeid, file);
          if (!settled.has(nodeid)) open.add(nodeid);
        }
        for (const nodeid of serial) open.delete(nodeid);
        const { seconds, mayBackUp, digest } = message;
        tell({ kind: 'collected', at: now(), file, nodeids, serial, mayBackUp, digest, seconds, worker });
        return;
      }
      case 'collect-failed': {
        const file = testFile(message.file);
        if (collecting.get(worker) === file) collecting.delete(worker);
        if (failed.has(file)) return;
        failed.add(file);
        const errors = message.errors.map((error) => ({ nodeid: nodeId(error.nodeid), message: error.message }));
        tell({ kind: 'collect-failed', at: now(), file, errors });
        return;
      }
      case 'test-started': {
        const nodeid = nodeId(message.nodeid);
        running.set(worker, { nodeid, startedAt: message.at });
        tell({ kind: 'test-started', at: message.at, nodeid, worker });
        return;
      }
      case 'test-finished': {
        const { at, startedAt, line, sections, warnings, properties } = message;
        const nodeid = nodeId(message.nodeid);
        running.delete(worker);
        rss.set(worker, Math.max(message.rssBytes, rss.get(worker) ?? 0));
        cpu.set(worker, Math.max(message.cpuSeconds, cpu.get(worker) ?? 0));
        const folded = foldPhases(message.phases);
        if (folded === null || settled.has(nodeid)) return;
        settle(nodeid);
        tell({
          kind: 'test-finished',
          at,
          result: { nodeid, file: fileFor(nodeid), line, startedAt, worker, isCrash: false, sections, warnings, properties, ...folded },
        });
        return;
      }
      case 'worker-down':
        lose(message.worker, message.error);
        return;
      case 'finished':
        finished = { exitCode: message.exitCode, byMaxfail: message.byMaxfail };
        return;
      default:
        assertNever(message);
    }
  };

  const isKnown = (file: TestFile): boolean => collected.has(file) || failed.has(file) || isBelow(file, failed);

  return {
    hear,
    expectLosses() {
      isExpectingLosses = true;
    },
    get isExitRequested() {
      return isExitRequested;
    },
    get started() {
      return started;
    },
    get finished() {
      return finished;
    },
    get rssBytes() {
      return [...rss.values()].reduce((sum, bytes) => sum + bytes, 0);
    },
    get cpuSeconds() {
      return [...cpu.values()].reduce((sum, seconds) => sum + seconds, 0);
    },
    running: () => running.values().next().value?.nodeid ?? null,
    unfinished: () => open.size,
    missing() {
      const files = new Set(selectors.map((selector) => selector.file));
      return [...[...files].filter((file) => !isKnown(file)), ...open];
    },
    remaining() {
      const unsettled = Map.groupBy(open, fileFor);
      return selectors.flatMap((selector): Selector[] => {
        if (!isKnown(selector.file)) return [selector];
        const nodeids = unsettled.get(selector.file);
        unsettled.delete(selector.file);
        return nodeids === undefined ? [] : [{ kind: 'tests', file: selector.file, nodeids }];
      });
    },
  };
}

/** Whether the file is inside a directory that failed to collect (`.` is the root). */
function isBelow(file: TestFile, failed: ReadonlySet<TestFile>): boolean {
  if (failed.has(testFile('.'))) return true;
  return [...failed].some((directory) => file.startsWith(`${directory}/`));
}
