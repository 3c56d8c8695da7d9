// A run that is open: announced, with its agents started and its log begun.

import type { OwnEvent } from '../../core/state/events.ts';
import { reduce } from '../../core/state/reduce.ts';
import type { Recorded } from '../../core/state/replay.ts';
import type { RunState } from '../../core/state/run-state.ts';
import type { RunLog } from '../../ports.ts';
import type { SequencedRecorder } from '../../record/recorder.ts';
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
  readonly log: RunLog;
  readonly recorder: SequencedRecorder;
  /** Write the copies that the user requested. They have observed what happened so far. */
  readonly copies: readonly Reporter[];
}

/** Records an event after the loop has ended, and applies it. */
export function recordClosed({ recorder, state }: Pick<OpenedRun, 'recorder' | 'state'>, event: OwnEvent): void {
  recorder.add(event);
  recorder.flush();
  reduce(state, event);
}
