// The results that follow when a worker cannot finish what it was doing: an error of its test, of its file, or of a teardown.

import type { AttemptEvent } from '../../shared/domain/events.ts';
import { type NodeId, nodeId, type TestFile } from '../../shared/domain/ids.ts';
import type { RemainingWork } from './remaining-work.ts';
import type { Activity, RunningTest } from './worker-activity.ts';

/** Why a worker stopped. */
export interface Blame {
  readonly worker: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Whether the worker's process died. */
  readonly isCrash: boolean;
  /** The message, given the phrase that names what the worker was doing. */
  readonly problem: (when: string) => string;
}

/** Settles in `work` what the worker cannot finish, and returns the events that report it. */
export function blame(cause: Blame, { test, collecting, tearingDownAfter }: Activity, work: RemainingWork): readonly AttemptEvent[] {
  const events: AttemptEvent[] = [];
  const { at, problem } = cause;
  if (tearingDownAfter !== null) {
    events.push(failedTeardown(at, work.fileFor(tearingDownAfter), tearingDownAfter, problem(`in a teardown after ${tearingDownAfter}`)));
  }
  if (collecting !== null && work.fail(collecting)) {
    events.push(failedToCollect(at, collecting, nodeId(collecting), problem(`while collecting ${collecting}`)));
  }
  if (test !== null && work.settle(test.nodeid)) events.push(cutShort(cause, test, work.fileFor(test.nodeid)));
  return events;
}

/** The test has its result already. A later failure becomes a separate error under the test's name. */
export const failedTeardown = (at: number, file: TestFile, after: NodeId, message: string): AttemptEvent =>
  failedToCollect(at, file, after, message);

const failedToCollect = (at: number, file: TestFile, nodeid: NodeId, message: string): AttemptEvent => ({
  kind: 'collect-failed',
  at,
  file,
  errors: [{ nodeid, message }],
});

function cutShort({ worker, at, isCrash, problem }: Blame, { nodeid, startedAt }: RunningTest, file: TestFile): AttemptEvent {
  const seconds = Math.max(0, at - startedAt) / 1000;
  const about = { nodeid, file, line: null, startedAt, seconds, setupSeconds: 0, worker };
  const message = problem(`while running ${nodeid}`);
  return { kind: 'test-finished', at, result: { ...about, outcome: 'error', isCrash, message, brief: null, sections: [] } };
}
