// Shows progress as a plain log: the permanent lines, and a status line every few seconds. It writes no control characters.

import type { Clock } from '../../../shared/clock.ts';
import type { Output } from '../../../shared/system/edge.ts';
import type { ProgressOutput } from './progress-output.ts';
import { statusAt } from './run-status.ts';
import { statusWords } from './status-text.ts';

/** The shortest time between two status lines … */
const EVERY_MS = 5000;
/** … which grows to the elapsed time divided by this number, so that the log of a long run stays short. */
const TIMES = 20;

export function createPlainLines(out: Output, clock: Clock): ProgressOutput {
  const beganAt = clock.now();
  let saidAt = beganAt;
  return {
    print(lines, view) {
      for (const line of lines) out.write(`${line}\n`);
      const now = clock.now();
      if (view === null || now - saidAt < Math.max(EVERY_MS, (now - beganAt) / TIMES)) return;
      saidAt = now;
      out.write(`${statusWords(statusAt(view, now))}\n`);
    },
    end: () => undefined,
  };
}
