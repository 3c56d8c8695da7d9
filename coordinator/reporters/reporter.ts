// The one interface of everything that shows or writes a run, in a run, for `shardline report` and for a merge.

import type { Report } from '../../shared/domain/report.ts';
import type { ShardlineError } from '../../shared/errors.ts';
import type { Change } from '../core/state/changes.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import { beginReplay, type Replay } from '../core/state/replay.ts';
import type { RunState } from '../core/state/run-state.ts';

/** The paths that were written, and one error for each file that was not, mostly `output-not-writable`. */
export interface Written {
  readonly paths: readonly string[];
  readonly problems: readonly ShardlineError[];
}

export const NOTHING_WRITTEN: Written = { paths: [], problems: [] };

export interface Reporter {
  /** Called with each event of a run, in order, with the state after it and what it changed. Missing if only the report is needed. */
  observe?(event: CoordinatorEvent, state: RunState, changes: readonly Change[]): void;
  /** Called once, after the last event. `before` holds what the reporters before this one have written. */
  finish(report: Report, before: Written): Promise<Written>;
}

/** Lets each reporter finish, one after the other. Resolves with everything that was written, `before` included. */
export async function finishAll(reporters: readonly Reporter[], report: Report, before: Written = NOTHING_WRITTEN): Promise<Written> {
  let written = before;
  for (const reporter of reporters) {
    const { paths, problems } = await reporter.finish(report, written);
    written = { paths: [...written.paths, ...paths], problems: [...written.problems, ...problems] };
  }
  return written;
}

/** Passes the recorded events of a run to the reporters, as if the run were happening now. */
export async function replayRun(
  reporters: readonly Reporter[],
  events: AsyncIterable<CoordinatorEvent> | Iterable<CoordinatorEvent>,
): Promise<void> {
  let replay: Replay | null = null;
  for await (const event of events) {
    replay ??= beginReplay(event);
    if (replay === null) return;
    const changes = replay.take(event);
    for (const reporter of reporters) reporter.observe?.(event, replay.state, changes);
  }
}
