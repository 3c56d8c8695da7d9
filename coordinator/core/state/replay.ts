// Rebuilds the state of a run whose coordinator died from its recorded events, and how far the stream was read.

import type { Change } from './changes.ts';
import type { CoordinatorEvent, RunOpened } from './events.ts';
import { reduce } from './reduce.ts';
import { openRun, type RunState } from './run-state.ts';

export interface Recorded {
  readonly opening: RunOpened;
  readonly state: RunState;
  /** The last stream entry that is recorded; `0` for none. */
  readonly position: string;
  /** How often the run was resumed before. */
  readonly resumes: number;
}

export interface Replay {
  readonly state: RunState;
  /** Applies the next event, and returns what it changed. */
  take(event: CoordinatorEvent): readonly Change[];
  /** What the events up to now amount to. */
  recorded(): Recorded;
}

/** Begins before the first event of a run, which is still to be taken. null if that event does not open a run. */
export function beginReplay(first: CoordinatorEvent): Replay | null {
  if (first.kind !== 'run-opened') return null;
  const state = openRun(first);
  let position = '0';
  let resumes = 0;
  return {
    state,
    take(event) {
      const changes = reduce(state, event);
      if (event.kind === 'stream-read' || event.kind === 'message-rejected') position = event.position;
      if (event.kind === 'run-resumed') resumes += 1;
      // A run that starts anew, or that Redis has lost, has a new stream, in which these positions mean nothing.
      if (event.kind === 'run-restarted' || (event.kind === 'redis-emptied' && event.isMissing)) position = '0';
      return changes;
    },
    recorded: () => ({ opening: state.opened, state, position, resumes }),
  };
}
