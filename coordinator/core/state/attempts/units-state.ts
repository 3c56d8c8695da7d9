// Defines what a run knows of the units that it shares with other runs. unit-claims.ts applies events to it.

import type { AttemptId } from '../../../../shared/domain/ids.ts';
import type { UnitsClaim } from '../../../../shared/domain/leased-units.ts';

export interface UnitsState {
  /** Claims of attempts that are not enqueued yet. */
  wanted: readonly UnitsClaim[];
  /** Those of them that are granted, and those that wait for other runs, by the last answer. */
  granted: ReadonlySet<AttemptId>;
  waiting: ReadonlySet<AttemptId>;
}

export const noUnits = (): UnitsState => ({ wanted: [], granted: new Set(), waiting: new Set() });
