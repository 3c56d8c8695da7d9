// A process of the fleet in the model: it can be frozen and thawed, or killed. Everything that wakes its code, such as a timer or an answer, goes
// through `resume`, so that a frozen process runs nothing, and a killed one never runs again.

import type { Clock } from '../../../shared/clock.ts';

/** The source of time: real timers, or the virtual time of a simulation. Milliseconds. */
export interface Schedule {
  now(): number;
  /** Calls `run` after `ms`, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
}

export const realTime: Schedule = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface Process {
  readonly name: string;
  /** The clock of this machine. */
  readonly clock: Clock;
  /** Calls `run` now, or when the process is thawed, or never if it is dead. */
  resume(run: () => void): void;
  freeze(): void;
  thaw(): void;
  kill(): void;
  isDead(): boolean;
}

/** A timer of Node waits for at least this long. */
const LEAST_WAIT_MS = 1;

/** `skewMs`: how far the clock of its machine is ahead. `onResume` is called before any of its code runs. */
export function startProcess(schedule: Schedule, name: string, skewMs = 0, onResume: () => void = () => undefined): Process {
  let state: 'running' | 'frozen' | 'dead' = 'running';
  let held: (() => void)[] = [];

  const resume = (run: () => void): void => {
    if (state === 'dead') return;
    if (state === 'frozen') {
      held.push(run);
      return;
    }
    onResume();
    run();
  };

  const wait = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      let cancel = (): void => undefined;
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      cancel = schedule.after(Math.max(LEAST_WAIT_MS, ms), () =>
        resume(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    });

  return {
    name,
    clock: { now: () => schedule.now() + skewMs, wait },
    resume,
    freeze() {
      if (state === 'running') state = 'frozen';
    },
    thaw() {
      if (state !== 'frozen') return;
      state = 'running';
      const late = held;
      held = [];
      // One after the other, as an event loop would.
      for (const run of late) schedule.after(0, () => resume(run));
    },
    kill() {
      state = 'dead';
      held = [];
    },
    isDead: () => state === 'dead',
  };
}
