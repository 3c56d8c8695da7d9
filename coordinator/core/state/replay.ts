// Rebuilds the state of a run whose coordinator died from its recorded events, and how far the stream was read.

import { isRunEventKind } from '../../../shared/domain/events.ts';
import type { CoordinatorEvent, RunOpened } from './events.ts';
import { reduce } from './reduce.ts';
import { openRun, type RunState } from './run-state.ts';

export interface Recorded {
  readonly opening: RunOpened;
  readonly state: RunState;
  /** The last stream entry whose events are all recorded; `0` for none. */
  readonly position: string;
  /** Number of events after that entry that are recorded already. */
  readonly readAhead: number;
  /** How often the run was resumed before. */
  readonly resumes: number;
}

/** null if the events do not begin with the opening of a run. */
export function replay(events: readonly CoordinatorEvent[]): Recorded | null {
  const [opening] = events;
  if (opening?.kind !== 'run-opened') return null;
  const state = openRun(opening);
  let position = '0';
  let readAhead = 0;
  let resumes = 0;
  for (const event of events) {
    reduce(state, event);
    switch (event.kind) {
      case 'stream-read':
        position = event.position;
        readAhead = 0;
        break;
      case 'run-restarted':
        position = '0';
        readAhead = 0;
        break;
      case 'run-resumed':
        resumes += 1;
        break;
      case 'redis-emptied':
        // Positions of the lost stream mean nothing in the new one.
        if (event.isMissing) position = '0';
        if (event.isMissing) readAhead = 0;
        break;
      default:
        if (isRunEventKind(event.kind)) readAhead += 1;
    }
  }
  return { opening: state.opened, state, position, readAhead, resumes };
}
