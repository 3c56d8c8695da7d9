// Which files are too long to be one shard, and how their tests are divided. Only history can say: a file that never ran is not split.

import type { NodeId } from '../../shared/ids.ts';
import type { FileTiming, Timings } from '../../shared/timings.ts';
import type { EstimatedSelector } from './plan.ts';

/** Tests must outweigh collection, and with it the module fixtures, by this much: each part pays these again. */
const LEAST_TESTS_PER_COLLECT = 2;
/** A split that leaves more than this of the file's time to its longest part is not worth its cost. */
const WORTHWHILE = 0.8;

/**
 * Divides each whole file that alone would hold up the end of a run on `slots` xdist workers; others come back as they are. A file longer than
 * `thresholdSeconds` is divided too (null: only the plan decides).
 */
export function splitFiles(
  files: readonly EstimatedSelector[],
  timings: Timings,
  slots: number,
  thresholdSeconds: number | null,
): readonly EstimatedSelector[] {
  const evenShare = files.reduce((sum, file) => sum + file.seconds, 0) / Math.max(1, slots);
  const limit = Math.min(evenShare, thresholdSeconds ?? Number.POSITIVE_INFINITY);
  return files.flatMap((file) => {
    const timing = timings.get(file.selector.file);
    if (slots < 2 || file.selector.kind !== 'file' || timing === undefined || file.seconds <= limit) return [file];
    return divide(file, timing, limit, slots);
  });
}

function divide(file: EstimatedSelector, timing: FileTiming, limit: number, slots: number): readonly EstimatedSelector[] {
  const testSeconds = [...timing.tests.values()].reduce((sum, seconds) => sum + seconds, 0);
  if (testSeconds < LEAST_TESTS_PER_COLLECT * timing.collectSeconds) return [file];
  const wanted = Math.ceil(testSeconds / Math.max(limit - timing.collectSeconds, testSeconds / slots));
  const bins = packed(timing.tests, Math.min(wanted, slots, timing.tests.size));
  const longest = Math.max(...bins.map((bin) => bin.seconds)) + timing.collectSeconds;
  if (bins.length < 2 || longest > WORTHWHILE * file.seconds) return [file];
  const [, ...others] = bins;
  return bins.map((bin, index) => ({
    selector: {
      kind: 'part',
      file: file.selector.file,
      only: index === 0 ? null : bin.nodeids,
      except: index === 0 ? others.flatMap(({ nodeids }) => nodeids) : [],
    },
    seconds: bin.seconds + timing.collectSeconds,
  }));
}

interface Bin {
  seconds: number;
  readonly nodeids: NodeId[];
}

/** Longest first into the emptiest bin (Graham 1969). */
function packed(tests: ReadonlyMap<NodeId, number>, count: number): readonly Bin[] {
  const bins = Array.from({ length: Math.max(1, count) }, (): Bin => ({ seconds: 0, nodeids: [] }));
  for (const [nodeid, seconds] of [...tests].sort(([, left], [, right]) => right - left)) {
    const emptiest = bins.reduce((least, bin) => (bin.seconds < least.seconds ? bin : least));
    emptiest.nodeids.push(nodeid);
    emptiest.seconds += seconds;
  }
  return bins;
}
