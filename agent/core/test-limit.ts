// The time after which a running test counts as hanging.

/** Without a --test-timeout, a test may take this many times the estimate of its whole shard … */
const SHARD_MULTIPLE = 10;
/** … and at least this long: a first run has no measurements, and a guess must not kill a slow test. */
const LEAST_SECONDS = 30 * 60;

/** The limit in seconds for setup, call and teardown together. `testTimeoutSeconds` is the user's limit; null when there is none. */
export const testLimitSeconds = (testTimeoutSeconds: number | null, shardSeconds: number): number =>
  testTimeoutSeconds ?? hangSeconds(shardSeconds);

/** The limit in seconds for work outside tests, such as the import of a file. */
export const hangSeconds = (shardSeconds: number): number => Math.max(LEAST_SECONDS, SHARD_MULTIPLE * shardSeconds);
