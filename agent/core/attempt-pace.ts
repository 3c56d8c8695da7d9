// How many attempts an agent takes at a time, from how long its latest ones took.

/**
 * An attempt shorter than this, in milliseconds, leaves its worker waiting for the next one to arrive through Redis, unless one already
 * waits in the agent.
 */
export const SHORT_MS = 250;

/** The moving average of the attempts' durations after one more attempt, in milliseconds. */
export const averageWith = (averageMs: number, tookMs: number): number => averageMs + (tookMs - averageMs) / 4;

/**
 * Room for the running attempts and for some that wait in the agent: one, or one for each worker while attempts are short. A long
 * attempt must not hold back waiting ones.
 */
export const slotsFor = (workers: number, averageMs: number): number => workers + (averageMs < SHORT_MS ? workers : 1);
