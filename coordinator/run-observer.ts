// The one interface of everything that follows a run: the run loop, the replay of a record and the reader of a stream call it.

import type { Change } from './core/state/changes.ts';
import type { CoordinatorEvent } from './core/state/events.ts';
import type { RunState } from './core/state/run-state.ts';

export interface RunObserver {
  /** Called with each event of a run, in order, with the state after it and what it changed. */
  observe(event: CoordinatorEvent, state: RunState, changes: readonly Change[]): void;
}

/**
 * An observer that needs only the events. It can also follow a run that another process coordinates: the run's stream has the agents'
 * events, but neither the coordinator's decisions nor its state.
 */
export interface EventObserver {
  observe(event: CoordinatorEvent): void;
}
