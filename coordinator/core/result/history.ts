// Extracts from the learned durations what the report shows of the last runs.

import { type NodeId, pytestId } from '../../../shared/domain/ids.ts';
import type { ReportedHistory } from '../../../shared/domain/report.ts';
import type { LastRuns, Timings } from '../../../shared/domain/suite/timings.ts';
import type { TestRecord } from '../state/records.ts';
import { finalResult } from '../state/results.ts';
import type { RunState } from '../state/run-state.ts';

/** Maximum number of entries of each list of a report's history. */
const MAX_ENTRIES = 100;

/** True if the test failed, passed and failed again, or passed only when it ran again. One failure after a change does not count. */
export const isUnstable = (lastRuns: LastRuns): boolean => /R|F.*P.*F/.test(lastRuns);

type Unstable = ReportedHistory['unstable'][number];
type Timed = ReportedHistory['slowest'][number];

/**
 * `old` are the durations before the run, and `learned` those after it. Only tests with a result in this run are named. Of tests that share a
 * node id, the first counts.
 */
export function historyOf(state: RunState, old: Timings, learned: Timings): ReportedHistory {
  const unstable: Unstable[] = [];
  let slowest: Timed[] = [];
  for (const test of state.tests.values()) {
    const seconds = finalResult(test)?.result.seconds;
    if (seconds === undefined) continue;
    const nodeid = pytestId(test.nodeid);
    // A further test with this id.
    if (nodeid !== test.nodeid) continue;
    const lastRuns = learned.get(test.file)?.lastRuns.get(test.nodeid) ?? '';
    if (isUnstable(lastRuns)) unstable.push({ nodeid, lastRuns });
    slowest.push({ nodeid, seconds, usualSeconds: usualSeconds(old, test) });
    // A run can have a million tests.
    if (slowest.length > 10 * MAX_ENTRIES) slowest = slowestOf(slowest);
  }
  return { unstable: mostFailures(unstable), slowest: slowestOf(slowest) };
}

/** The history of runs that were merged; null if none has one. */
export function mergeHistories(histories: readonly ReportedHistory[]): ReportedHistory | null {
  if (histories.length === 0) return null;
  return {
    unstable: firstOfEach(mostFailures(histories.flatMap(({ unstable }) => unstable))),
    slowest: firstOfEach(slowestOf(histories.flatMap(({ slowest }) => slowest))),
  };
}

const firstOfEach = <Entry extends { readonly nodeid: NodeId }>(entries: readonly Entry[]): readonly Entry[] => {
  const named = new Set<NodeId>();
  return entries.filter(({ nodeid }) => named.size < named.add(nodeid).size);
};

const usualSeconds = (old: Timings, { file, nodeid }: TestRecord): number | null => old.get(file)?.tests.get(nodeid) ?? null;

const slowestOf = (timed: readonly Timed[]): Timed[] => timed.toSorted((left, right) => right.seconds - left.seconds).slice(0, MAX_ENTRIES);

const mostFailures = (unstable: readonly Unstable[]): Unstable[] =>
  unstable.toSorted((left, right) => failuresIn(right.lastRuns) - failuresIn(left.lastRuns)).slice(0, MAX_ENTRIES);

const failuresIn = (lastRuns: LastRuns): number => lastRuns.replace(/[^FR]/g, '').length;
