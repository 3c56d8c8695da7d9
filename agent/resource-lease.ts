// Stops attempts that hold a resource once this agent has been out of touch for too long: the coordinator then gives the resource to others.

import type { Clock } from '../shared/clock.ts';
import { NO_NEEDS } from '../shared/domain/needs.ts';
import type { JoinedRun } from './ports.ts';
import type { RunningAttempts } from './running-attempts.ts';

/** After this silence of Redis, in milliseconds. LOST_HOLD_MS of coordinator/core/state/holders.ts is longer. */
export const RESOURCE_LEASE_MS = 8000;
const CHECK_MS = 500;

/** Checks until `signal` aborts. */
export async function keepResourceLease(run: JoinedRun, attempts: RunningAttempts, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (run.silenceMs() >= RESOURCE_LEASE_MS) attempts.interruptAll('superseded', ({ needs = NO_NEEDS }) => needs.resources.length > 0);
    await clock.wait(CHECK_MS, signal).catch(() => undefined);
  }
}
