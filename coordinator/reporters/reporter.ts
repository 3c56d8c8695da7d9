// The one interface of everything that shows or writes a run, in a run, for `shardline report` and for a merge. What only follows a run is
// a RunObserver.

import type { Report } from '../../shared/domain/report.ts';
import type { ShardlineError } from '../../shared/errors.ts';
import type { CoordinatorEvent } from '../core/state/events.ts';
import { beginReplay, type Replay } from '../core/state/replay.ts';
import type { RunObserver } from '../run-observer.ts';

/** The paths that were written, and one error for each file that was not, mostly `output-not-writable`. */
export interface Written {
  readonly paths: readonly string[];
  readonly problems: readonly ShardlineError[];
}

export const NOTHING_WRITTEN: Written = { paths: [], problems: [] };

/** One that needs only the report does not observe. */
export interface Reporter extends Partial<RunObserver> {
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

/** Joins the observers into one that passes each event to all of them. */
export const observeAll = (observers: readonly Partial<RunObserver>[]): RunObserver => ({
  observe(event, state, changes) {
    for (const observer of observers) observer.observe?.(event, state, changes);
  },
});

/** Passes the recorded events of a run to the observers, as if the run were happening now. */
export async function replayRun(
  observers: readonly Partial<RunObserver>[],
  events: AsyncIterable<CoordinatorEvent> | Iterable<CoordinatorEvent>,
): Promise<void> {
  const { observe } = observeAll(observers);
  let replay: Replay | null = null;
  for await (const event of events) {
    replay ??= beginReplay(event);
    if (replay === null) return;
    const changes = replay.take(event);
    observe(event, replay.state, changes);
  }
}
