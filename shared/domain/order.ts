// The order in which shards are handed out.

/** In which order shards are handed out: for the shortest run, failures of late first, or most chance of a failure per second first. */
export const orders = ['longest', 'failed-first', 'value'] as const;
export type Order = (typeof orders)[number];
