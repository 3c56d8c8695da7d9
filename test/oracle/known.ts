// Suites that shardline does not run like plain pytest yet. Once such a suite is equal, its test fails until its entry here is removed.

export interface Known {
  /** A folder of faults/, or `seed-N`. */
  readonly suite: string;
  /** What goes wrong. */
  readonly reason: string;
  /** It goes wrong only in some runs, depending on which worker is faster, so its test may pass. */
  readonly sometimes?: true;
}

export const known: readonly Known[] = [];
