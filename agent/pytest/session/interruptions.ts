// Ends running attempts early: the worker stops after its test; then, if its session ends too, the test gets Ctrl-C; then its process is killed.

import type { InterruptCause } from '../../../shared/domain/attempt.ts';
import type { Drain } from '../../../shared/domain/run-spec.ts';
import { sendSignal } from '../../../shared/system/send-signal.ts';
import { causeOf, graceOf } from '../../core/interrupt.ts';
import type { Task } from '../fed-task.ts';
import type { Feeding } from '../work-stealing.ts';
import type { OpenTasks } from './open-tasks.ts';
import type { PytestHandle } from './pytest-handle.ts';

export interface InterruptionsRequest {
  readonly drain: Drain | null;
  readonly feeding: Feeding<Task>;
  readonly tasks: OpenTasks;
  readonly pytest: PytestHandle;
  /** Writes one message to a worker. */
  readonly send: (worker: string, message: object) => void;
  readonly pidOf: (worker: string) => number | undefined;
}

/** What stops an attempt early. */
export interface AttemptStops {
  /** Stops it wherever it is. */
  readonly interrupt: AbortSignal;
  /** Stops it only if no worker has begun it. */
  readonly recall?: AbortSignal | undefined;
}

export interface Interruptions {
  /** Ends the task when a signal aborts. The caller calls the returned function when the task is settled. */
  endWhenAborted(task: Task, stops: AttemptStops): () => void;
  /** Whether pytest was interrupted or a worker killed, so that pytest's exit code is not the suite's. */
  hasInterfered(): boolean;
}

export function createInterruptions({ drain, feeding, tasks, pytest, send, pidOf }: InterruptionsRequest): Interruptions {
  /** `cut-short`: a worker was killed because its attempt had to end. `interrupted`: pytest got Ctrl-C. */
  let interference: 'none' | 'cut-short' | 'interrupted' = 'none';

  /** Interrupts once: a second Ctrl-C would cut short the teardown of fixtures. */
  const interruptAll = (): void => {
    if (interference === 'interrupted') return;
    interference = 'interrupted';
    for (const task of feeding.running()) task.log.interrupt();
    pytest.interrupt();
  };

  const cutShort = (task: Task, worker: string, cause: InterruptCause): void => {
    if (interference === 'none') interference = 'cut-short';
    task.log.expectLosses();
    const pid = pidOf(worker);
    if (pid !== undefined) sendSignal(pid, 'SIGKILL');
    if (cause === 'deadline') pytest.kill();
  };

  /** Ends the task now if no worker has begun it. Otherwise returns the timers that will end it. */
  const stop = (task: Task, cause: InterruptCause): NodeJS.Timeout[] => {
    task.interruptedBy = cause;
    const found = feeding.withdraw(task);
    if (found?.kind === 'withdrawn') tasks.settle(task, { kind: 'interrupted', by: cause });
    if (found?.kind !== 'begun') return [];
    const { worker } = found;
    send(worker, { kind: 'stop', task: task.number });
    const { interruptMs, killMs } = graceOf(cause, drain);
    const interrupting = interruptMs === null ? [] : [setTimeout(interruptAll, interruptMs)];
    return [...interrupting, setTimeout(() => cutShort(task, worker, cause), killMs)];
  };

  return {
    endWhenAborted(task, { interrupt, recall }) {
      let timers: NodeJS.Timeout[] = [];
      const onRecall = (): void => {
        if (feeding.withdraw(task)?.kind === 'withdrawn') tasks.settle(task, { kind: 'interrupted', by: 'shutdown' });
      };
      const onInterrupt = (): void => {
        timers = stop(task, causeOf(interrupt));
      };
      interrupt.addEventListener('abort', onInterrupt, { once: true });
      recall?.addEventListener('abort', onRecall, { once: true });
      return () => {
        interrupt.removeEventListener('abort', onInterrupt);
        recall?.removeEventListener('abort', onRecall);
        for (const timer of timers) clearTimeout(timer);
      };
    },
    hasInterfered: () => interference !== 'none',
  };
}
