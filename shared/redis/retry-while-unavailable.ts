// Patience with a server that answers and cannot do what it is asked at the moment: it starts, is full, fails over, or is held up by a script.

import { setTimeout as delay } from 'node:timers/promises';

/** How long after such an answer the same is asked again. */
const AGAIN_MS = 250;

/** As the first word of an answer, also of one that a script passes on; UNBLOCKED and EXECABORT are what blocked reads and transactions get of it. */
const FOR_NOW = /(?:^|: -?)(?:LOADING|BUSY|OOM|READONLY|MISCONF|MASTERDOWN|NOREPLICAS|TRYAGAIN|CLUSTERDOWN|UNBLOCKED|EXECABORT)\b/;

/** Is this such an answer? */
export const isForNow = (thrown: unknown): boolean => FOR_NOW.test(String(thrown));

/**
 * Does `work`, again and again while the server cannot; it must bear being done twice. How long that may last is the caller's to see to, as with a
 * server that does not answer at all: it ends when its connection is closed. `warn` hears each such answer.
 */
export async function patiently<Value>(work: () => Promise<Value>, warn: (problem: unknown) => void = () => undefined): Promise<Value> {
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
