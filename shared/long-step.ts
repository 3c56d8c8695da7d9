// Prints a line now and then while a step takes long, so that it does not look like a hang.

import type { Clock } from './clock.ts';

/** Milliseconds after which a step is long, and the time from line to line. */
const LONG_MS = 3000;
const EACH_MS = 5000;

/** What runs now, and when it began by the clock. */
export interface Step {
  readonly name: string;
  readonly startedAt: number;
}

/** Prints until `work` settles, and then resolves or rejects as it does. `current` returns the step that `work` is at. */
export async function reportLongSteps<Value>(
  work: Promise<Value>,
  current: () => Step,
  print: (line: string) => void,
  clock: Clock,
): Promise<Value> {
  const settled = new AbortController();
  const reporting = (async () => {
    for (let waitMs = LONG_MS; !settled.signal.aborted; waitMs = EACH_MS) {
      await clock.wait(waitMs, settled.signal);
      const { name, startedAt } = current();
      const ms = clock.now() - startedAt;
      if (ms >= LONG_MS) print(`${name}: ${(ms / 1000).toFixed(0)} s so far`);
    }
  })();
  try {
    return await work;
  } finally {
    settled.abort();
    // The wait ends with the error of an aborted signal.
    await reporting.catch(() => undefined);
  }
}
