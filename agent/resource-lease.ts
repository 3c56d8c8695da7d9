// Lets attempts use resources only while their run holds these for them, and this agent is in touch with Redis. Afterwards the coordinator, or
// another run, gives the resources to others.

import type { Clock } from '../shared/clock.ts';
import type { AttemptEnding, AttemptRequest } from '../shared/domain/attempt.ts';
import type { LeasedUnits } from '../shared/domain/leased-units.ts';
import { NO_NEEDS } from '../shared/domain/needs.ts';
import { ShardlineError } from '../shared/errors.ts';
import type { JoinedRun } from './ports.ts';
import type { RunningAttempts } from './running-attempts.ts';

/** After this silence of Redis, in milliseconds. LOST_HOLD_MS of coordinator/core/state/attempts/holders.ts is longer. */
export const RESOURCE_LEASE_MS = 8000;
/**
 * This long after a coordinator last renewed the units of its run, in milliseconds. UNITS_LEASE_MS of shared/domain/leased-units.ts is
 * longer, and a take-over takes less time, so it stops no test.
 */
export const UNRENEWED_MS = 15_000;
/** How often an agent checks, in milliseconds. */
export const CHECK_MS = 500;

const usesResources = ({ needs = NO_NEEDS }: AttemptRequest): boolean => needs.resources.length > 0;

const mayUse = (units: LeasedUnits | null, { id }: AttemptRequest): boolean =>
  units === null || (units.ageMs < UNRENEWED_MS && units.granted.has(id));

/** Checks until `signal` aborts. */
export async function keepResourceLease(run: JoinedRun, attempts: RunningAttempts, clock: Clock, signal: AbortSignal): Promise<void> {
  let isAsking = false;
  const check = async (): Promise<void> => {
    if (isAsking || !attempts.runs(usesResources)) return;
    isAsking = true;
    try {
      const units = await run.leasedUnits();
      attempts.interruptAll('superseded', (request) => usesResources(request) && !mayUse(units, request));
    } catch (thrown) {
      // A Redis that does not answer falls silent, too.
      if (thrown instanceof ShardlineError) attempts.interruptAll('superseded', usesResources);
    } finally {
      isAsking = false;
    }
  };
  while (!signal.aborted) {
    if (run.silenceMs() >= RESOURCE_LEASE_MS) attempts.interruptAll('superseded', usesResources);
    void check();
    await clock.wait(CHECK_MS, signal).catch(() => undefined);
  }
}

/**
 * The ending of an attempt whose resources its run does not hold, for example because its coordinator was frozen; null if it may begin. An
 * agent that cannot read what the run holds is broken, so the coordinator counts the attempt.
 */
export async function withoutUnits(run: JoinedRun, request: AttemptRequest): Promise<AttemptEnding | null> {
  if (!usesResources(request)) return null;
  try {
    if (mayUse(await run.leasedUnits(), request)) return null;
  } catch (thrown) {
    if (thrown instanceof ShardlineError) return { kind: 'not-started', error: thrown.code, detail: thrown.message };
  }
  return { kind: 'interrupted', by: 'superseded' };
}
