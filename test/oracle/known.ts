// Suites that shardline does not run as plain pytest does yet. A suite that is equal again fails its test until its entry is removed here.

export interface Known {
  /** A folder of faults/, or `seed-N`. */
  readonly suite: string;
  /** What goes wrong. */
  readonly reason: string;
  /** It goes wrong in some runs only, by which worker is faster: it may pass. */
  readonly sometimes?: true;
}

export const known: readonly Known[] = [];
