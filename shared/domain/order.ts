// The order in which the coordinator hands out shards.

/**
 * `longest` gives the shortest run, `failed-first` starts with recent failures, and `value` starts with the best chance of a failure per
 * second.
 */
export const orders = ['longest', 'failed-first', 'value'] as const;
export type Order = (typeof orders)[number];
