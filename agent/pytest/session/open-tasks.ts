// The attempts that one session has not settled, and which worker began which of them.

import { type AttemptRequest, runsAlone } from '../../../shared/domain/attempt.ts';
import { NO_NEEDS } from '../../../shared/domain/needs.ts';
import type { AttemptLog } from '../attempt-log.ts';
import { type FedEnding, finalEnding, type Task } from '../fed-task.ts';

export interface OpenTasks {
  /** A new task. `settle` receives its ending. */
  open(log: AttemptLog, attempt: AttemptRequest, settle: (ending: FedEnding) => void): Task;
  /** The open task that workers know under this number. */
  find(number: number): Task | undefined;
  /** A worker starts the task. */
  begin(worker: string, task: Task): void;
  /** The worker's current or latest task. A message about the worker's teardowns belongs to it. */
  latestOf(worker: string): Task | undefined;
  /** Every worker that ever started a task; those that start one during the iteration come too. */
  workers(): Iterable<string>;
  settle(task: Task, ending: FedEnding): void;
}

export function createOpenTasks(): OpenTasks {
  let count = 0;
  const byNumber = new Map<number, Task>();
  const latest = new Map<string, Task>();
  return {
    open(log, { id, role, predictedSeconds, needs = NO_NEEDS }, settle) {
      count += 1;
      const task: Task = {
        number: count,
        attempt: id,
        log,
        selectors: log.remaining(),
        isSerial: runsAlone(role),
        needs,
        predictedSeconds,
        isBegun: false,
        interruptedBy: null,
        unexplained: 0,
        settle,
      };
      byNumber.set(task.number, task);
      return task;
    },
    find: (number) => byNumber.get(number),
    begin(worker, task) {
      task.isBegun = true;
      latest.set(worker, task);
    },
    latestOf: (worker) => latest.get(worker),
    workers: () => latest.keys(),
    settle(task, ending) {
      byNumber.delete(task.number);
      task.settle(finalEnding(task, ending));
    },
  };
}
