// Decides how long a closed run waits for its agents.

import { deadlineTimes } from '../state/deadline.ts';
import type { CloseReason } from '../state/events.ts';
import { livingAgents, type RunState } from '../state/run-state.ts';

/** How long a completed run waits for agents other than lost ones: the last teardowns of their sessions may still fail. */
const FAREWELL_MS = 40_000;
/** How long a stopped run waits for the results of interrupted attempts. */
const INTERRUPT_MS = 10_000;

/** How long a run that was closed for this reason waits for its agents. */
export const graceMs = ({ kind }: CloseReason): number => (kind === 'done' ? FAREWELL_MS : INTERRUPT_MS);

/**
 * True if the run is closed and there is nothing left to wait for. If an earlier coordinator closed the run, the wait restarts at `begunAt`,
 * when this one began: its last events may still arrive.
 */
export function isOver(state: RunState, begunAt: number, now: number): boolean {
  if (state.closed === null) return false;
  const times = deadlineTimes(state.opened);
  if (times !== null && now >= times.mergeAt) return true;
  if (state.redisLost || livingAgents(state).length === 0) return true;
  return now - Math.max(state.closed.at, begunAt) >= graceMs(state.closed.why);
}
