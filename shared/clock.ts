// Time as a parameter: `now` for instants and `wait` for delays, so that a test can move the clock.

/** `now` returns milliseconds since the epoch. `wait` resolves after `ms`, or rejects with the signal's reason when it aborts. */
export interface Clock {
  now(): number;
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Nearly 25 days, in milliseconds. A timer with a longer delay fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
