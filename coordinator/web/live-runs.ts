// The runs that a dashboard shows. Other processes coordinate them, so each run's model observes what the run's stream has: the events of
// its agents.

import type { RunEvent } from '../../shared/domain/events.ts';
import type { RunId } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { inTimeOf } from '../../shared/wire/agreed-time.ts';
import type { RunNote } from '../../shared/wire/run-note.ts';
import { createLiveRun, type LiveRun } from './live-run.ts';

/** Number of closed runs that stay available. */
const KEPT = 10;

export interface LiveRuns {
  opened(spec: RunSpec): void;
  /** Takes the next events of a run's stream. */
  streamed(id: RunId, events: readonly RunEvent[]): void;
  /** Takes the run's note. */
  noted(id: RunId, note: RunNote): void;
  /** `at` is in milliseconds since the epoch. Forgets the oldest closed run if there are too many. */
  closed(id: RunId, at: number): void;
  newestFirst(): readonly LiveRun[];
}

/** `aheadMs`: by how much the agents' agreed clock is ahead of this machine's, in which the runs are shown. */
export function createLiveRuns(aheadMs: number): LiveRuns {
  const runs = new Map<RunId, LiveRun>();
  const forget = (): void => {
    const ended = [...runs].filter(([, run]) => !run.line().isOpen);
    for (const [id] of ended.slice(0, Math.max(0, ended.length - KEPT))) runs.delete(id);
  };
  return {
    opened: (spec) => void runs.set(spec.runId, createLiveRun({ ...spec, openedAt: spec.openedAt - aheadMs })),
    streamed(id, events) {
      for (const event of events) runs.get(id)?.observe(inTimeOf(event, -aheadMs));
    },
    noted: (id, note) => runs.get(id)?.note(inLocalTime(note, aheadMs)),
    closed(id, at) {
      runs.get(id)?.end(at);
      forget();
    },
    newestFirst: () => [...runs.values()].reverse(),
  };
}

function inLocalTime(note: RunNote, aheadMs: number): RunNote {
  const { deadline, state } = note;
  return {
    at: note.at - aheadMs,
    deadline: deadline === null ? null : { ...deadline, endsAt: deadline.endsAt - aheadMs },
    state: state.kind === 'ended' || state.endsAt === null ? state : { ...state, endsAt: state.endsAt - aheadMs },
  };
}
