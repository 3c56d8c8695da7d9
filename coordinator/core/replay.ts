// The report of a recorded run, made from its events alone.

import type { Report } from '../../shared/report.ts';
import type { CoordinatorEvent } from './events.ts';
import { merge } from './merge.ts';
import { reduce } from './reduce.ts';
import { openRun, type RunState } from './run-state.ts';

/** The state that a run's events lead to; null when they do not begin with the run's opening. */
export function replay(events: readonly CoordinatorEvent[]): RunState | null {
  const [opened] = events;
  return opened?.kind === 'run-opened' ? events.reduce(reduce, openRun(opened)) : null;
}

/** The same report as the run itself wrote, but for what only a writer knows: it stands when the last event came, and took no time to merge. */
export const reportOf = (state: RunState): Report => merge(state, { finishedAt: state.coordinatorAt, mergeSeconds: 0 });
