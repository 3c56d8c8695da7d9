// The interface between progress and its outputs. Types only.

import type { RunView } from './run-status.ts';

export interface ProgressOutput {
  /** Prints permanent lines, mostly none. `view` is the state to display besides; null before the run has begun. */
  print(lines: readonly string[], view: RunView | null): void;
  /** Removes everything but the permanent lines. */
  end(): void;
}
