// Writes the run's note. A note that could not be written changes nothing for the run.

import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../shared/clock.ts';
import type { RejectionCause, Report } from '../../../shared/domain/report.ts';
import { messageOf } from '../../../shared/errors.ts';
import { sum } from '../../../shared/numbers.ts';
import type { Logger } from '../../../shared/system/logger.ts';
import type { RunLoad, RunNote } from '../../../shared/wire/run-note.ts';
import { paceOf, unitsLeft } from '../../core/decide/pace.ts';
import { rejectionsOf } from '../../core/state/agents/rejections.ts';
import { deadlineTimes } from '../../core/state/deadline.ts';
import { howFar } from '../../core/state/progress.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { RunObserver } from '../../run-observer.ts';

/** The least time between two notes. */
const NOTE_MS = 2000;

export interface NoteWriter {
  readonly write: (note: RunNote) => Promise<void>;
  /** By how many milliseconds the agreed clock is ahead of this machine's. */
  readonly aheadMs: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'debug'>;
}

/** Never rejects. */
const writeQuietly = ({ write, logger }: NoteWriter, note: RunNote): Promise<void> =>
  write(note).catch((thrown: unknown) => logger.debug({ problem: messageOf(thrown) }, 'could not write the note of the run'));

/** Writes a note every two seconds while the run is open, driven by its events. */
export function noteProgress(writer: NoteWriter): RunObserver {
  let endsAt: number | null = null;
  let nextAt = 0;
  let isWriting = false;
  let lostAttempts = 0;
  return {
    observe(event, state) {
      if (event.kind === 'forecast') endsAt = event.at + event.secondsLeft * 1000 + writer.aheadMs;
      if (event.kind === 'attempt-lost') lostAttempts += 1;
      const now = writer.clock.now();
      // A note that waits for an unreachable Redis must not be followed by more.
      if (now < nextAt || isWriting || state.closed !== null) return;
      nextAt = now + NOTE_MS;
      isWriting = true;
      const { filesDone, files } = howFar(state);
      const note = noteOf(writer, state, false, { kind: 'running', filesDone, files, endsAt, load: loadOf(state, lostAttempts) });
      void writeQuietly(writer, note).then(() => {
        isWriting = false;
      });
    },
  };
}

/** `out` is the directory of the report; null if none was written. `job` is the page of this CI job. Never rejects. */
export function noteVerdict(
  writer: NoteWriter,
  state: RunState,
  { verdict, exitCode, deadline }: Report,
  { out, job }: { readonly out: string | null; readonly job: string | null },
): Promise<void> {
  const report = out === null ? null : { host: hostname(), path: join(out, 'report.html') };
  return writeQuietly(writer, noteOf(writer, state, deadline?.met === true, { kind: 'ended', verdict, exitCode, report, job }));
}

function loadOf(state: RunState, lostAttempts: number): RunLoad {
  const rejected: Partial<Record<RejectionCause, number>> = {};
  for (const { why, messages } of rejectionsOf(state)) rejected[why] = (rejected[why] ?? 0) + messages;
  return { workSeconds: sum(unitsLeft(state, paceOf(state)).map(({ seconds }) => seconds)), lostAttempts, rejected };
}

function noteOf({ clock, aheadMs }: NoteWriter, { opened }: RunState, met: boolean, state: RunNote['state']): RunNote {
  const { deadline } = opened;
  const endAt = deadlineTimes(opened)?.endAt ?? 0;
  return { at: clock.now() + aheadMs, deadline: deadline === null ? null : { ...deadline, endsAt: endAt + aheadMs, met }, state };
}
