// The interface between progress and its outputs. Types only.

import type { Watched } from './run-status.ts';

export interface Teller {
  /** Prints permanent lines, mostly none. `watched` is the state to display besides; null before the run has begun. */
  tell(lines: readonly string[], watched: Watched | null): void;
  /** Removes everything but the permanent lines. */
  end(): void;
}
