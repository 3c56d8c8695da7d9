// Grants runs of a pool the units that they claim. All runs apply these rules to the same book, one after the other.
//
// A claim gets all of its units or none, so no two claims can wait for each other. Claims are granted in the order in which they were first
// made, whichever run made them, and what an earlier one lacks is kept free for it: no run can starve.

import type { RunId } from '../../../../shared/domain/ids.ts';
import {
  isSameClaim,
  type KnownClaim,
  type RunUnits,
  UNITS_LEASE_MS,
  type UnitsBook,
  type UnitsClaim,
} from '../../../../shared/domain/leased-units.ts';
import { limitOf, type ResourceLimits } from '../../../../shared/domain/needs.ts';

/** What a run claims now: its earlier claims that are missing here are over. */
export interface UnitsRequest {
  readonly run: RunId;
  readonly epoch: number;
  readonly claims: readonly UnitsClaim[];
  readonly limits: ResourceLimits;
}

/** A lease that ends later than this was not written by a coordinator, or the server's clock was set back. */
const LONGEST_LEASE_MS = 4 * UNITS_LEASE_MS;

/** The runs in the book whose units are free, because their coordinators have not renewed them. */
export const goneRuns = (book: UnitsBook, now: number): readonly RunId[] =>
  [...book].flatMap(([run, { until }]) => (until <= now || until > now + LONGEST_LEASE_MS ? [run] : []));

/** True if another coordinator has taken the run over. A lease that has ended may be that of an earlier run with the same id. */
export const isDeposed = (book: UnitsBook, { run, epoch }: UnitsRequest, now: number): boolean =>
  !goneRuns(book, now).includes(run) && (book.get(run)?.epoch ?? 0) > epoch;

/** Renews the units of the run, and grants it what is free. */
export function leaseUnits(book: UnitsBook, request: UnitsRequest, now: number): RunUnits {
  const { run, epoch, claims, limits } = request;
  const gone = new Set(goneRuns(book, now));
  const living = [...book].filter(([id]) => !gone.has(id));
  const before = gone.has(run) ? [] : (book.get(run)?.claims ?? []);
  const own = claims.map((claim): KnownClaim => {
    const known = before.find((each) => isSameClaim(each, claim));
    return { ...claim, since: known?.since ?? now, isGranted: known?.isGranted ?? false };
  });
  const others = living
    .filter(([id]) => id !== run)
    .flatMap(([id, units]) => units.claims.map((claim) => ({ run: id, limits: units.limits, claim })));
  const all = [...others, ...own.map((claim) => ({ run, limits, claim }))];
  const use = newUse();
  for (const { claim, limits: its } of all) if (claim.isGranted) use.add(claim, its);
  const granted = new Set<KnownClaim>();
  for (const { run: claimant, claim, limits: its } of all.filter((each) => !each.claim.isGranted).sort(byTurn)) {
    if (claimant === run && use.hasRoom(claim, its)) granted.add(claim);
    // A claim that waits keeps its units from later ones.
    use.add(claim, its);
  }
  return {
    epoch,
    until: now + UNITS_LEASE_MS,
    limits: limitsIn(claims, limits),
    claims: own.map((claim) => (granted.has(claim) ? { ...claim, isGranted: true } : claim)),
  };
}

interface Turn {
  readonly run: RunId;
  readonly claim: KnownClaim;
}

/** In the order of the request among equals of one run, because sorting is stable. */
function byTurn(one: Turn, other: Turn): number {
  if (one.claim.since !== other.claim.since) return one.claim.since - other.claim.since;
  return one.run === other.run ? 0 : one.run < other.run ? -1 : 1;
}

/** Counts units in use. The smallest limit of the runs that use a resource holds. */
function newUse() {
  const units = new Map<string, number>();
  const least = new Map<string, number>();
  return {
    add({ resources }: UnitsClaim, limits: ResourceLimits): void {
      for (const need of resources) {
        units.set(need.name, (units.get(need.name) ?? 0) + need.units);
        least.set(need.name, Math.min(least.get(need.name) ?? Number.POSITIVE_INFINITY, limitOf(limits, need.name)));
      }
    },
    hasRoom: ({ resources }: UnitsClaim, limits: ResourceLimits): boolean =>
      resources.every(
        (need) =>
          (units.get(need.name) ?? 0) + need.units <=
          Math.min(least.get(need.name) ?? Number.POSITIVE_INFINITY, limitOf(limits, need.name)),
      ),
  };
}

const limitsIn = (claims: readonly UnitsClaim[], limits: ResourceLimits): ResourceLimits =>
  Object.fromEntries(claims.flatMap(({ resources }) => resources.map(({ name }) => [name, limitOf(limits, name)])));
