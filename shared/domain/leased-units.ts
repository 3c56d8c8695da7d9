// The units of resources that the runs of a pool hold and wait for.

import type { AttemptId, RunId } from './ids.ts';
import type { ResourceLimits, ResourceNeed } from './needs.ts';

/**
 * How long a run keeps its units after its coordinator has last renewed them, in milliseconds. Its agents stop the attempts that use them
 * earlier (UNRENEWED_MS of agent/resource-lease.ts); a test that does not stop is killed a few seconds later.
 */
export const UNITS_LEASE_MS = 22_000;

/** What one attempt needs, all at once. */
export interface UnitsClaim {
  readonly attempt: AttemptId;
  readonly resources: readonly ResourceNeed[];
}

/** Whether both claim the same units for the same attempt. */
export const isSameClaim = (one: UnitsClaim, other: UnitsClaim): boolean =>
  one.attempt === other.attempt &&
  one.resources.length === other.resources.length &&
  one.resources.every(({ name, units }) => other.resources.some((need) => need.name === name && need.units === units));

/** A claim that waits since the time when it was first made, in milliseconds of the server's clock, or is granted. */
export interface KnownClaim extends UnitsClaim {
  readonly since: number;
  readonly isGranted: boolean;
}

/** What one run has claimed. */
export interface RunUnits {
  /** The epoch of its coordinator. */
  readonly epoch: number;
  /** When its units are free, in milliseconds of the server's clock. */
  readonly until: number;
  /** How many units of the claimed resources the run lets tests use; 1 if missing. */
  readonly limits: ResourceLimits;
  readonly claims: readonly KnownClaim[];
}

/** What all runs of a pool have claimed. */
export type UnitsBook = ReadonlyMap<RunId, RunUnits>;

/** What an agent reads of its own run. */
export interface LeasedUnits {
  /** Milliseconds since the run last renewed its units; infinite if it has none. */
  readonly ageMs: number;
  /** The attempts that may use their resources. */
  readonly granted: ReadonlySet<AttemptId>;
}

/** `units` is null if the run has none. */
export const leasedUnits = (units: RunUnits | null, now: number): LeasedUnits => ({
  ageMs: units === null ? Number.POSITIVE_INFINITY : now - (units.until - UNITS_LEASE_MS),
  granted: new Set(units?.claims.flatMap(({ attempt, isGranted }) => (isGranted ? [attempt] : [])) ?? []),
});
