// Time as a parameter: `now` for instants, `wait` for delays, so that a test moves the clock by hand.

/** Milliseconds since the epoch for instants; `wait` resolves after `ms`, or rejects with the signal's reason when it aborts. */
export interface Clock {
  now(): number;
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Nearly 25 days: a longer delay a timer takes for none. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
