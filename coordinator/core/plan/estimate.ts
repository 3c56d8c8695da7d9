// Estimates how long each discovered file will take, from history. learn.ts maintains the history; plan.ts uses the estimates.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import type { FileTiming, Timings } from '../../../shared/domain/suite/timings.ts';
import { median } from '../../../shared/numbers.ts';
import type { DiscoveredFile } from './discovered-file.ts';

/** Estimate for a file without any history, in seconds. */
export const UNKNOWN_FILE_SECONDS = 1;

/**
 * Seconds of one xdist worker for each file. A file without history gets the median of the discovered files that have one (else of all
 * history, else 1 s). If the user named node ids, their own history is summed; a named id without history counts as the file's median test.
 */
export function estimateFiles(files: readonly DiscoveredFile[], timings: Timings): ReadonlyMap<TestFile, number> {
  const known = new Map<TestFile, number>();
  for (const { file, nodeids } of files) {
    const timing = timings.get(file);
    if (timing !== undefined) known.set(file, nodeids === null ? timing.seconds : namedSeconds(nodeids, timing));
  }
  const fallbackSeconds =
    median([...known.values()]) ?? median([...timings.values()].map((timing) => timing.seconds)) ?? UNKNOWN_FILE_SECONDS;
  return new Map(files.map(({ file }) => [file, known.get(file) ?? fallbackSeconds]));
}

function namedSeconds(named: readonly NodeId[], timing: FileTiming): number {
  const counted = new Set<NodeId>();
  const testSeconds = median([...timing.tests.values()]) ?? 0;
  let seconds = timing.collectSeconds + timing.fixtureSeconds;
  for (const name of named) {
    let matched = false;
    for (const [id, testsSeconds] of timing.tests) {
      if (!isNamedBy(id, name)) continue;
      matched = true;
      if (counted.has(id)) continue;
      counted.add(id);
      seconds += testsSeconds;
    }
    if (!matched) seconds += testSeconds;
  }
  return seconds;
}

/** True if `name` selects the test: as the test itself, without its parameters, or as its class. */
export const isNamedBy = (id: NodeId, name: NodeId): boolean => id === name || id.startsWith(`${name}[`) || id.startsWith(`${name}::`);
