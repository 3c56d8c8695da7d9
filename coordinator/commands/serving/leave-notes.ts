// Tells people who watch the pool how far the run is, and how it ended. A note that could not be written changes nothing for the run.

import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../../shared/domain/report.ts';
import { messageOf } from '../../../shared/errors.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import type { Logger } from '../../../shared/system/logger.ts';
import type { RunNote } from '../../../shared/wire/run-note.ts';
import { deadlineTimes } from '../../core/state/deadline.ts';
import { howFar } from '../../core/state/progress.ts';
import type { RunObserver } from '../../run-observer.ts';

/** The least time between two notes. */
const NOTE_MS = 2000;

export type WriteNote = (note: RunNote) => Promise<void>;

/** Never rejects. */
const leave = (write: WriteNote, note: RunNote, logger: Logger): Promise<void> =>
  write(note).catch((thrown: unknown) => logger.debug({ problem: messageOf(thrown) }, 'a note for watchers was not written'));

/** `aheadMs`: by how many milliseconds the agreed clock is ahead of this machine's. */
export function noteProgress(write: WriteNote, aheadMs: number, logger: Logger): RunObserver {
  let endsAt: number | null = null;
  let nextAt = 0;
  let isWriting = false;
  return {
    observe(event, state) {
      if (event.kind === 'forecast') endsAt = event.at + event.secondsLeft * 1000;
      const now = systemClock.now();
      // While Redis is unreachable, a note waits for it.
      if (now < nextAt || isWriting || state.closed !== null) return;
      nextAt = now + NOTE_MS;
      isWriting = true;
      const { filesDone, files } = howFar(state);
      const deadlineAt = deadlineTimes(state.opened)?.endAt ?? null;
      const inAgreedTime = (at: number | null): number | null => (at === null ? null : at + aheadMs);
      const note: RunNote = { kind: 'running', filesDone, files, endsAt: inAgreedTime(endsAt), deadlineAt: inAgreedTime(deadlineAt) };
      void leave(write, note, logger).then(() => {
        isWriting = false;
      });
    },
  };
}

/** `out` is the directory of the report; null if none was written. Never rejects. */
export function noteEnd(write: WriteNote, { verdict, exitCode, origin }: Report, out: string | null, logger: Logger): Promise<void> {
  const report = out === null ? null : { host: hostname(), path: join(out, 'report.html') };
  return leave(write, { kind: 'ended', verdict, exitCode, report, job: origin?.job ?? null }, logger);
}
