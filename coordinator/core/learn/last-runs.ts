// Learns how tests that failed lately ended in their last runs.

import type { NodeId } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import { KEPT_RUNS, type LastRuns } from '../../../shared/domain/suite/timings.ts';
import type { FileProgress, TestRecord } from '../state/records.ts';
import { finalResult, isFlaky } from '../state/results.ts';

/** The file's tests that failed in one of their last runs. A test that did not run keeps its entry, unless the file ran whole without it. */
export function learnLastRuns(
  old: ReadonlyMap<NodeId, LastRuns>,
  parts: readonly FileProgress[],
  isWhole: boolean,
): ReadonlyMap<NodeId, LastRuns> {
  const learned = new Map([...old].filter(([nodeid]) => !isWhole || parts.some(({ tests }) => tests.has(nodeid))));
  for (const { tests } of parts) {
    for (const test of tests.values()) {
      const mark = markOf(test);
      if (mark === null) continue;
      const lastRuns = `${old.get(test.nodeid) ?? ''}${mark}`.slice(-KEPT_RUNS);
      if (/[FR]/.test(lastRuns)) learned.set(test.nodeid, lastRuns);
      else learned.delete(test.nodeid);
    }
  }
  return learned;
}

function markOf(test: TestRecord): string | null {
  const final = finalResult(test);
  if (test.accepted === null || final === null) return null;
  // A test that failed on a broken agent and passed on another is not unstable.
  if (isFlaky(test) && !test.isDoubted) return 'R';
  const { outcome } = final.result;
  return isFailure(outcome) ? 'F' : outcome === 'skipped' ? 'S' : 'P';
}
