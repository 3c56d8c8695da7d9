// The attempts that an agent runs in one session: starts them, interrupts them, and adds up their time. Which ones, others decide.

import type { AttemptRequest, InterruptCause } from '../shared/domain/attempt.ts';
import type { AttemptId } from '../shared/domain/ids.ts';
import type { RunningAttempt } from './attempt.ts';

export interface RunningAttempts {
  /** Starts the attempt and resolves when its ending is stored. Interrupts it at once if it is cancelled or the agent has to leave. */
  serve(request: AttemptRequest): Promise<void>;
  /** Interrupts the attempt, now or when it starts. */
  cancel(attempt: AttemptId, by: InterruptCause): void;
  /** Interrupts the running attempts, or those of them that `which` accepts. */
  interruptAll(by: InterruptCause, which?: (request: AttemptRequest) => boolean): void;
  /** Whether an attempt that `which` accepts is running. */
  runs(which: (request: AttemptRequest) => boolean): boolean;
  /** Resolves when every running attempt is over, however it ended. */
  settled(): Promise<void>;
  /** Seconds in which the workers collected and ran tests, in the attempts that are over. */
  busySeconds(): number;
}

export function createRunningAttempts(start: (request: AttemptRequest) => RunningAttempt, shutdown: AbortSignal): RunningAttempts {
  const running = new Map<AttemptId, RunningAttempt>();
  const cancelled = new Map<AttemptId, InterruptCause>();
  let busySeconds = 0;
  return {
    async serve(request) {
      const attempt = start(request);
      running.set(request.id, attempt);
      const cancelledBy = cancelled.get(request.id);
      if (cancelledBy !== undefined) attempt.interrupt(cancelledBy);
      if (shutdown.aborted) attempt.interrupt('shutdown');
      try {
        // A separate await: `busySeconds += await …` would read the sum too early, and other attempts settle meanwhile.
        const seconds = await attempt.settled;
        busySeconds += seconds;
      } finally {
        running.delete(request.id);
      }
    },
    cancel(attempt, by) {
      cancelled.set(attempt, by);
      running.get(attempt)?.interrupt(by);
    },
    interruptAll(by, which = () => true) {
      for (const attempt of running.values()) if (which(attempt.request)) attempt.interrupt(by);
    },
    runs: (which) => [...running.values()].some((attempt) => which(attempt.request)),
    async settled() {
      await Promise.allSettled([...running.values()].map((attempt) => attempt.settled));
    },
    busySeconds: () => busySeconds,
  };
}
