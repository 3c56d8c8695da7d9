// How long one test may go on before it counts as hanging.

/** Without a limit of the user's a test may take this many times what its whole shard was estimated to take … */
const SHARD_MULTIPLE = 10;
/** … and at least this: a first run knows nothing, and no slow test is to be killed by a guess. */
const LEAST_SECONDS = 30 * 60;

/** In seconds, for set-up, call and teardown together. `testTimeoutSeconds`: what the user allows; null when he does not say. */
export const testLimitSeconds = (testTimeoutSeconds: number | null, shardSeconds: number): number =>
  testTimeoutSeconds ?? hangSeconds(shardSeconds);

/** The same for what is no test, such as the import of a file. */
export const hangSeconds = (shardSeconds: number): number => Math.max(LEAST_SECONDS, SHARD_MULTIPLE * shardSeconds);
