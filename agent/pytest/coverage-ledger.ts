// Tracks the attempts whose coverage is completely written, and those that lost a part with an xdist worker.

import type { CoverageOrigin } from '../../shared/domain/coverage.ts';
import type { AttemptId } from '../../shared/domain/ids.ts';

export interface Covered {
  /** pytest-cov is active in this pytest. */
  begin(origin: CoverageOrigin): void;
  /** A worker completed a part of the attempt. `isWritten`: it wrote all the coverage it measured. */
  done(attempt: AttemptId, isWritten: boolean): void;
  /** A worker died while it ran the attempt. */
  lose(attempt: AttemptId): void;
  /** null when nothing was measured. */
  ledger(): { readonly origin: CoverageOrigin; readonly attempts: readonly AttemptId[]; readonly lost: readonly AttemptId[] } | null;
}

export function createCovered(): Covered {
  const written = new Set<AttemptId>();
  const lost = new Set<AttemptId>();
  let origin: CoverageOrigin | null = null;
  return {
    begin(found) {
      origin = found;
    },
    done: (attempt, isWritten) => void (isWritten ? written : lost).add(attempt),
    lose: (attempt) => void lost.add(attempt),
    ledger: () =>
      origin === null || written.size + lost.size === 0
        ? null
        : { origin, attempts: [...written].filter((attempt) => !lost.has(attempt)), lost: [...lost] },
  };
}
