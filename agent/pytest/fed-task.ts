// One attempt in a fed session: the work that is left, and how it can end.

import type { AttemptEnding, InterruptCause } from '../../shared/domain/attempt.ts';
import type { AttemptId } from '../../shared/domain/ids.ts';
import type { Needs } from '../../shared/domain/needs.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import type { AttemptLog } from './attempt-log.ts';
import type { PytestMessage } from './codec.ts';

/** One attempt in a fed session. */
export interface Task {
  /** The task's number within the session, by which workers refer to it. */
  readonly number: number;
  readonly attempt: AttemptId;
  readonly log: AttemptLog;
  /** The work that is left. */
  selectors: readonly Selector[];
  readonly isSerial: boolean;
  readonly needs: Needs;
  readonly predictedSeconds: number;
  /** Whether a worker has ever started it. */
  isBegun: boolean;
  interruptedBy: InterruptCause | null;
  /** The number of workers that ended during this task without a test to blame. */
  unexplained: number;
  readonly settle: (ending: FedEnding) => void;
}

/**
 * The ending of an attempt. `again` means that the session ended and another one must run the rest: either nothing of the attempt was
 * begun, or the test that ended the session has its result (`isBlamed`).
 */
export type FedEnding = AttemptEnding | { readonly kind: 'again'; readonly isBlamed: boolean };

/** The number of missing tests and files that a message names. */
const NAMED = 5;

/** The ending of a task that its worker reports as done. `isWhole`: the worker left nothing out. */
export function doneEnding(task: Task, isWhole: boolean): AttemptEnding {
  const missing = task.log.missing();
  if (missing.length === 0) return { kind: 'finished' };
  if (!isWhole) return { kind: 'interrupted', by: task.interruptedBy ?? 'maxfail' };
  const named = missing.slice(0, NAMED).join(', ');
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : '';
  return crashed(null, null, task, `pytest ran the shard to its end without a result of ${named}${more}`);
}

/** The ending of a task that crashed without a culprit. It names the test that was running, if there was one. */
export function crashed(exitCode: number | null, signal: string | null, task: Task, detail: string): AttemptEnding {
  return { kind: 'crashed', exitCode, signal, running: task.log.running(), detail };
}

/** Whether the attempt must end: something interrupted it, or its tests asked for the end of the run. */
export const isStopped = (task: Task): boolean => task.interruptedBy !== null || task.log.isExitRequested;

/** The ending under which a task is settled. An attempt that had to stop is interrupted unless it finished all the same. */
export function finalEnding(task: Task, ending: FedEnding): FedEnding {
  const by = task.interruptedBy ?? (task.log.isExitRequested ? 'pytest-exit' : null);
  return by !== null && ending.kind !== 'finished' ? { kind: 'interrupted', by } : ending;
}

/** The task's process died, as `down` says. Returns whether a test or a file is to blame; it then counts as no work that is left. */
export function blameLoss(task: Task, down: PytestMessage, worker: string): boolean {
  const before = task.log.missing().length;
  task.log.receive(down, worker);
  task.selectors = task.log.remaining();
  return task.log.missing().length < before;
}
