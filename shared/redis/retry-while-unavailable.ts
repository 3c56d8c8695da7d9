// Retries while a server answers but cannot execute the command: it is starting, is out of memory, fails over, or runs a long script.

import { setTimeout as delay } from 'node:timers/promises';
import { CLOSED_FOR_GOOD } from '../errors.ts';

/** Delay before the next try, in milliseconds. */
const AGAIN_MS = 250;

/**
 * The first word of a temporary error, also when a script passes it on. UNBLOCKED and EXECABORT are the forms for blocked reads and
 * transactions.
 */
const FOR_NOW = /(?:^|: -?)(?:LOADING|BUSY|OOM|READONLY|MISCONF|MASTERDOWN|NOREPLICAS|TRYAGAIN|CLUSTERDOWN|UNBLOCKED|EXECABORT)\b/;

/** Whether a command was rejected because its connection was broken for too long, or was closed here. */
export const isGivenUp = (thrown: unknown): boolean => thrown instanceof Error && CLOSED_FOR_GOOD.test(thrown.message);

/** Whether the error is temporary. */
export const isForNow = (thrown: unknown): boolean => FOR_NOW.test(String(thrown)) && !isGivenUp(thrown);

/**
 * Repeats `work` while the server cannot execute it, so `work` must be safe to run twice. The caller limits the time by closing the
 * connection, as for a server that does not answer at all. `warn` receives each temporary error.
 */
export async function retryWhileUnavailable<Value>(
  work: () => Promise<Value>,
  warn: (problem: unknown) => void = () => undefined,
): Promise<Value> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (!isForNow(thrown)) throw thrown;
      warn(thrown);
    }
    await delay(AGAIN_MS);
  }
}
