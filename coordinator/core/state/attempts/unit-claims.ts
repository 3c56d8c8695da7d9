// What the run claims of the resources that it shares with other runs of its pool, and what it was granted.

import type { AttemptId } from '../../../../shared/domain/ids.ts';
import { isSameClaim, type UnitsClaim } from '../../../../shared/domain/leased-units.ts';
import type { EventOf } from '../events.ts';
import type { RunState } from '../run-state.ts';
import { isHolding } from './holders.ts';

/** Whether the run shares its resources with other runs. */
export const sharesUnits = ({ opened }: RunState): boolean => opened.spec.unitsIn !== undefined;

export function unitsClaimed({ units }: RunState, { claims }: EventOf<'units-claimed'>): void {
  const isKept = (attempt: AttemptId): boolean =>
    claims.some((claim) => claim.attempt === attempt && units.wanted.some((each) => isSameClaim(each, claim)));
  units.granted = new Set([...units.granted].filter(isKept));
  units.waiting = new Set([...units.waiting].filter(isKept));
  units.wanted = claims;
}

export function unitsLeased({ units }: RunState, { granted, waiting }: EventOf<'units-leased'>): void {
  units.granted = new Set(granted);
  units.waiting = new Set(waiting);
}

/** The attempt is enqueued, and holds its units from now on. */
export function unitsTaken({ units }: RunState, attempt: AttemptId): void {
  if (!units.granted.has(attempt)) return;
  units.wanted = units.wanted.filter((claim) => claim.attempt !== attempt);
  units.granted = units.granted.difference(new Set([attempt]));
}

/** Nothing is known any more of what was granted: another coordinator asked, or Redis has lost it. */
export function forgetAnswers({ units }: RunState): void {
  units.granted = new Set();
  units.waiting = new Set();
}

/** Everything that the run claims now: for attempts that hold their units, and for those that wait. */
export function claimsOf(state: RunState): readonly UnitsClaim[] {
  const held = [...state.index.holders].filter((attempt) => isHolding(state, attempt));
  return [
    ...held.map(({ id, needs }): UnitsClaim => ({ attempt: id, resources: needs.resources })),
    ...(state.closed === null ? state.units.wanted : []),
  ];
}
