// One attempt as a fed session has it: what is still to run, and how it can end.

import type { AttemptEnding, InterruptCause } from '../../shared/domain/attempt.ts';
import type { AttemptId } from '../../shared/domain/ids.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import type { AttemptLog } from './attempt-log.ts';

/** One attempt on its way through the session. */
export interface Task {
  /** Which of the session's tasks it is, for the worker to tell them apart. */
  readonly number: number;
  readonly attempt: AttemptId;
  readonly log: AttemptLog;
  /** What is still to run. */
  selectors: readonly Selector[];
  readonly isSerial: boolean;
  /** Does it run again what has a result? Then only results are heard of it. */
  readonly isRerun: boolean;
  readonly predictedSeconds: number;
  /** Was it ever given to a worker? */
  isBegun: boolean;
  interruptedBy: InterruptCause | null;
  /** How many workers ended under it without a test to blame. */
  unexplained: number;
  readonly settle: (ending: FedEnding) => void;
}

/**
 * An attempt's ending; `again` where the session ended and another one is to run what is left: nothing of it was begun, or the test that ended the
 * session has its result (`isBlamed`).
 */
export type FedEnding = AttemptEnding | { readonly kind: 'again'; readonly isBlamed: boolean };

/** How many missing things a detail names. */
const NAMED = 5;

/** How a task ends whose worker says that it is done, having left nothing out when `isWhole`. */
export function doneEnding(task: Task, isWhole: boolean): AttemptEnding {
  const missing = task.log.missing();
  if (missing.length === 0) return { kind: 'finished' };
  if (!isWhole) return { kind: 'interrupted', by: task.interruptedBy ?? 'maxfail' };
  const named = missing.slice(0, NAMED).join(', ');
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : '';
  return crashed(null, null, task, `pytest ran the shard to its end without a result of ${named}${more}`);
}

/** A task that nobody is to blame for, but maybe the test that was on. */
export function crashed(exitCode: number | null, signal: string | null, task: Task, detail: string): AttemptEnding {
  return { kind: 'crashed', exitCode, signal, running: task.log.running(), detail };
}
