// What each xdist worker is doing for one attempt, so that a worker that ends in the middle of it leaves a culprit.

import type { NodeId, TestFile } from '../../shared/domain/ids.ts';

/** A test that has started and has no result yet. */
export interface RunningTest {
  readonly nodeid: NodeId;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** A test may set up its fixtures while those of an earlier file are torn down, so a worker can be doing several of these at once. */
export interface Activity {
  readonly test: RunningTest | null;
  readonly collecting: TestFile | null;
  /** The last test that ran before the teardown in progress. */
  readonly tearingDownAfter: NodeId | null;
}

export interface WorkerActivity {
  startTest(worker: string, test: RunningTest): void;
  endTest(worker: string): void;
  startCollecting(worker: string, file: TestFile): void;
  /** Ends the collection of `file`; null ends that of any file. */
  endCollecting(worker: string, file: TestFile | null): void;
  startTeardown(worker: string, after: NodeId): void;
  endTeardown(worker: string): void;
  /** The worker does nothing more. Returns what it was doing. */
  end(worker: string): Activity;
  /** The running test that started first. */
  running(): NodeId | null;
}

export function createWorkerActivity(): WorkerActivity {
  const tests = new Map<string, RunningTest>();
  const files = new Map<string, TestFile>();
  const teardowns = new Map<string, NodeId>();
  return {
    startTest: (worker, test) => void tests.set(worker, test),
    endTest: (worker) => void tests.delete(worker),
    startCollecting: (worker, file) => void files.set(worker, file),
    endCollecting(worker, file) {
      if (file === null || files.get(worker) === file) files.delete(worker);
    },
    startTeardown: (worker, after) => void teardowns.set(worker, after),
    endTeardown: (worker) => void teardowns.delete(worker),
    end(worker) {
      const activity: Activity = {
        test: tests.get(worker) ?? null,
        collecting: files.get(worker) ?? null,
        tearingDownAfter: teardowns.get(worker) ?? null,
      };
      tests.delete(worker);
      files.delete(worker);
      teardowns.delete(worker);
      return activity;
    },
    running: () => tests.values().next().value?.nodeid ?? null,
  };
}
