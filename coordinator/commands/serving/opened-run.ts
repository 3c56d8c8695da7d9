// A run that is open: announced, with its agents started and its journal begun.

import type { Recorded } from '../../core/state/replay.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { Journal } from '../../record/journal.ts';
import type { Reporter } from '../../reporters/reporter.ts';
import type { RunLoop } from '../../run-loop.ts';
import type { OpenRedis } from '../bring-up.ts';
import type { KnownCensus } from '../prepare-run.ts';

export interface OpenedRun {
  readonly state: RunState;
  readonly recorded: Recorded | null;
  readonly planSuite: RunLoop['planSuite'];
  readonly census: KnownCensus;
  readonly redis: OpenRedis;
  readonly journal: Journal;
  /** Write the copies that the user requested. They have observed what happened so far. */
  readonly copies: readonly Reporter[];
}
