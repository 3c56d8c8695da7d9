// The progress as a record: the lines that stay, and every few seconds how the run stands. No control characters.

import type { Clock } from '../../../shared/clock.ts';
import type { Output } from '../../../shared/system/edge.ts';
import type { Teller } from './progress-output.ts';
import { standingAt } from './run-status.ts';
import { statusWords } from './status-text.ts';

/** How often it is said how the run stands: as often as this … */
const EVERY_MS = 5000;
/** … and after this many times ever more seldom: the record of an hour is no longer than it must be. */
const TIMES = 20;

export function createPlainLines(out: Output, clock: Clock): Teller {
  const beganAt = clock.now();
  let saidAt = beganAt;
  return {
    tell(lines, watched) {
      for (const line of lines) out.write(`${line}\n`);
      const now = clock.now();
      if (watched === null || now - saidAt < Math.max(EVERY_MS, (now - beganAt) / TIMES)) return;
      saidAt = now;
      out.write(`${statusWords(standingAt(watched, now))}\n`);
    },
    end: () => undefined,
  };
}
