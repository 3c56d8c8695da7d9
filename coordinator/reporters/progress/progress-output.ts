// How what is told of a run reaches whoever reads it. Types only.

import type { Watched } from './run-status.ts';

export interface Teller {
  /** Lines that stay, mostly none; `watched` is what there is to show besides, null before the run has begun. */
  tell(lines: readonly string[], watched: Watched | null): void;
  /** Leaves nothing but the lines. */
  end(): void;
}
