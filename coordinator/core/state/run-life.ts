// Applies what happens to a run as a whole: interruption, the loss of Redis, resumption, forecasts and its end.

import { beginNumbers } from './agents/batch-numbers.ts';
import type { EventOf } from './events.ts';
import { openRun, type RunState } from './run-state.ts';

export function passTime(state: RunState, at: number): void {
  state.coordinatorAt = Math.max(state.coordinatorAt, at);
}

export function runRestarted(state: RunState, { opening }: EventOf<'run-restarted'>): void {
  Object.assign(state, openRun(opening));
}

export function runResumed(state: RunState): void {
  // Agents may have been alive while no coordinator was watching, and others may still join.
  if (state.aloneSince !== null) state.aloneSince = state.coordinatorAt;
  state.noAgentCanCome = null;
  beginNumbers(state);
}

export function interruptRequested(state: RunState, { by }: EventOf<'interrupt-requested'>): void {
  state.interruptedBy ??= by;
}

export function redisLost(state: RunState): void {
  state.redisLost = true;
}

export function noAgentCanCome(state: RunState, { message }: EventOf<'no-agent-can-come'>): void {
  state.noAgentCanCome ??= message;
}

export function forecastMade(state: RunState, { at }: EventOf<'forecast'>): void {
  state.forecastAt = Math.max(state.forecastAt ?? at, at);
}

export function coverageCombined(state: RunState, { coverage }: EventOf<'coverage-combined'>): void {
  state.coverage.combined ??= coverage;
}

export function runClosed(state: RunState, { at, why }: EventOf<'run-closed'>): void {
  state.closed ??= { at, why };
}
