// Why one session cannot go on. The first cause is kept.

export interface Failure {
  /** null while the session can go on. */
  cause(): unknown;
  /** Kills pytest. A session that was still starting fails when pytest has exited. */
  fail(cause: unknown): void;
  /** Kills pytest. A session that was still starting fails with the first cause. */
  giveUp(cause: unknown): void;
}

/** `refuse` ends the wait for the first ready worker; `kill` ends pytest. */
export function createFailure(refuse: (cause: unknown) => void, kill: () => void): Failure {
  let first: unknown = null;
  return {
    cause: () => first,
    fail(cause) {
      first ??= cause;
      kill();
    },
    giveUp(cause) {
      first ??= cause;
      refuse(first);
      kill();
    },
  };
}
