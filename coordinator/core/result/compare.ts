// Compares a run with an earlier run of the same suite.

import type { NodeId } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import type { Comparison, Report, ReportedTest } from '../../../shared/domain/report.ts';
import { median } from '../../../shared/numbers.ts';

/** One test of an earlier run; `seconds` is null if unknown. */
export interface PastTest {
  readonly outcome: Outcome;
  readonly seconds: number | null;
}

/** An earlier run. `keyOf` maps a test of this run to its key in `tests`: its node id, or its name in a JUnit file. */
export interface Baseline {
  readonly name: string;
  readonly tests: ReadonlyMap<string, PastTest>;
  readonly keyOf: (id: string) => string;
}

/** A test is newly slow only if it takes this many more seconds, */
const LEAST_SLOWER_SECONDS = 0.2;
/** this many times as long, */
const LEAST_SLOWER_FACTOR = 2;
/** and is slower by this many times the spread of all tests (a robust standard deviation: 1.4826 × the median absolute deviation). */
const SPREADS = 3;
/** Shorter times are too noisy to compare machine speeds; with fewer tests than `FEW`, speeds are not compared at all. */
const LEAST_MEASURED_SECONDS = 0.01;
const FEW = 5;

/** Compares outcomes of all tests, and durations of tests that passed in both runs, corrected for the speed of the two machines. */
export function compareRuns(report: Report, baseline: Baseline): Comparison {
  const newFailures: NodeId[] = [];
  const fixed: NodeId[] = [];
  const stillFailing: NodeId[] = [];
  const added: NodeId[] = [];
  const here = new Set<string>();
  const passedInBoth: Pair[] = [];

  for (const test of report.tests) {
    const key = baseline.keyOf(test.nodeid);
    here.add(key);
    const before = baseline.tests.get(key);
    if (before === undefined) added.push(test.nodeid);
    const failedBefore = before !== undefined && isFailure(before.outcome);
    if (isFailure(test.outcome)) (failedBefore ? stillFailing : newFailures).push(test.nodeid);
    else if (failedBefore) fixed.push(test.nodeid);
    else if (test.outcome === 'passed' && before?.outcome === 'passed' && before.seconds !== null)
      passedInBoth.push({ test, beforeSeconds: before.seconds });
  }
  const isUnknown = unknownIn(report, baseline);
  const vanished = [...baseline.tests.keys()].filter((key) => !here.has(key) && !isUnknown(key));
  return { baseline: baseline.name, newFailures, fixed, stillFailing, newlySlow: slower(passedInBoth), added, vanished };
}

interface Pair {
  readonly test: ReportedTest;
  readonly beforeSeconds: number;
}

function slower(pairs: readonly Pair[]): Comparison['newlySlow'] {
  const ratios = pairs
    .filter(({ test, beforeSeconds }) => Math.min(test.seconds, beforeSeconds) >= LEAST_MEASURED_SECONDS)
    .map(({ test, beforeSeconds }) => Math.log(test.seconds / beforeSeconds));
  const speed = ratios.length < FEW ? 0 : (median(ratios) ?? 0);
  const spread = ratios.length < FEW ? 0 : 1.4826 * (median(ratios.map((ratio) => Math.abs(ratio - speed))) ?? 0);
  const factor = Math.exp(Math.max(Math.log(LEAST_SLOWER_FACTOR), SPREADS * spread));
  return pairs
    .filter(({ test, beforeSeconds }) => {
      const expectedSeconds = beforeSeconds * Math.exp(speed);
      return test.seconds - expectedSeconds > LEAST_SLOWER_SECONDS && test.seconds > expectedSeconds * factor;
    })
    .map(({ test, beforeSeconds }) => ({ nodeid: test.nodeid, beforeSeconds, seconds: test.seconds }));
}

/** Returns a predicate that is true for tests that this run did not run or could not collect: they did not vanish. */
function unknownIn({ notRun, collectErrors }: Report, { keyOf, tests }: Baseline): (key: string) => boolean {
  // Files have keys too: a file that skipped itself is recorded under its own.
  const missing = new Set([...notRun.map(({ nodeid }) => keyOf(nodeid)), ...collectErrors.map(({ file }) => keyOf(file))]);
  const files = [...notRun.filter(({ kind }) => kind === 'file').map(({ nodeid }) => nodeid), ...collectErrors.map(({ file }) => file)];
  if (missing.size === 0) return () => false;
  // A file's key is the prefix of its tests' keys, both in node ids and in a JUnit file's classes.
  const beginnings = files.flatMap((file) => [
    `${file}::`,
    `${file.replace(/\.py$/, '').replaceAll('/', '.')}::`,
    `${file.replace(/\.py$/, '').replaceAll('/', '.')}.`,
  ]);
  return (key) => tests.has(key) && (missing.has(key) || beginnings.some((beginning) => key.startsWith(beginning)));
}
