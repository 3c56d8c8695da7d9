// Prints a line now and then while a step takes long, so that nobody takes it for a hang.

import type { Clock } from '../../../shared/clock.ts';
import type { Output } from '../../../shared/system/edge.ts';
import { inMinutes } from '../summary/profile-text.ts';

/** Seconds of the step at which the first line is printed, and then the time from line to line. */
const FIRST_SECONDS = 3;
const EACH_SECONDS = 15;

/** Prints until `step` settles, and then resolves or rejects as it does. `what` returns the step in a few words. */
export async function sayWhile<Value>(step: Promise<Value>, what: () => string, out: Output, clock: Clock): Promise<Value> {
  const settled = new AbortController();
  const saying = (async () => {
    for (let seconds = FIRST_SECONDS; !settled.signal.aborted; seconds += EACH_SECONDS) {
      await clock.wait((seconds === FIRST_SECONDS ? FIRST_SECONDS : EACH_SECONDS) * 1000, settled.signal);
      if (!settled.signal.aborted) out.write(`shardline: ${what()}, ${inMinutes(seconds)} so far\n`);
    }
  })();
  try {
    return await step;
  } finally {
    settled.abort();
    // The wait ends with the error of an aborted signal.
    await saying.catch(() => undefined);
  }
}
