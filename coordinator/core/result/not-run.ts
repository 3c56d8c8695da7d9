// Counts tests without an outcome as far as they are known: a file that was not collected counts the tests that earlier runs found in it.

import { fileOf, type NodeId, nodeId, type TestFile, testFile } from '../../../shared/domain/ids.ts';
import type { NotRun, Totals } from '../../../shared/domain/report.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import type { FileTiming, Timings } from '../../../shared/domain/suite/timings.ts';
import type { DiscoveredFile } from '../plan/discovered-file.ts';
import { isNamedBy } from '../plan/estimate.ts';
import type { KnownTests } from '../state/events.ts';

/** Test counts from earlier runs for the discovered files. */
export function knownTests(files: readonly DiscoveredFile[], timings: Timings): KnownTests {
  const known: Record<string, number> = {};
  for (const { file, nodeids } of files) {
    const timing = timings.get(file);
    if (timing === undefined) continue;
    if (nodeids === null) put(known, file, timing.tests.size);
    for (const name of nodeids ?? []) put(known, name, namedTests(name, timing));
  }
  return known;
}

/** Test counts from earlier runs below a path whose files were not discovered yet. */
export function knownBelow(path: string, timings: Timings): KnownTests {
  const known: Record<string, number> = {};
  const below = [...timings].filter(([file]) => path === '.' || file === path || file.startsWith(`${path}/`));
  put(
    known,
    path,
    below.reduce((sum, [, { tests }]) => sum + tests.size, 0),
  );
  return known;
}

const namedTests = (name: NodeId, { tests }: FileTiming): number => [...tests.keys()].filter((id) => isNamedBy(id, name)).length;

/** An earlier run that ran no test of it gives no count. */
function put(known: Record<string, number>, name: string, tests: number): void {
  if (tests > 0) known[name] = tests;
}

/** Number of tests in a file that was not collected; null if unknown. Leaves out tests that other parts of the file have. */
export function testsOfFile(file: TestFile, selectors: readonly Selector[], known: KnownTests): number | null {
  const tests = knownOf(file, known);
  if (tests === null) return null;
  const elsewhere = selectors.flatMap((selector) => (selector.kind === 'part' ? selector.except : []));
  return Math.max(1, tests - new Set(elsewhere).size);
}

/**
 * Number of tests that a named id selects; null if unknown. With parameters it is one test; without them, or for a class, it may be
 * several.
 */
export const testsOfName = (name: NodeId, known: KnownTests): number | null => (name.includes('[') ? 1 : knownOf(name, known));

/** Own keys only: a file may be called `constructor`. */
const knownOf = (name: string, known: KnownTests): number | null => (Object.hasOwn(known, name) ? (known[name] ?? null) : null);

const fileOfEntry = ({ nodeid: id, kind }: NotRun): TestFile => (kind === 'file' ? testFile(id) : fileOf(nodeId(id)));

/** Replaces the tests of each file by one entry for the file. */
export const inFiles = (entries: readonly NotRun[]): readonly NotRun[] =>
  [...Map.groupBy(entries, fileOfEntry)].flatMap(([file, own]) => {
    const [first] = own;
    if (first === undefined || own.length === 1) return own;
    const { notRun, notRunIsLeast } = countNotRun(own);
    const predictedSeconds = own.reduce((sum, each) => sum + each.predictedSeconds, 0);
    return [{ nodeid: file, kind: 'file', tests: notRunIsLeast ? null : notRun, reason: first.reason, predictedSeconds }];
  });

/** Sums all entries. An entry with an unknown count adds one, and the sum is then a lower bound. */
export function countNotRun(entries: readonly NotRun[]): Pick<Totals, 'notRun' | 'notRunIsLeast'> {
  return {
    notRun: entries.reduce((sum, { tests }) => sum + (tests ?? 1), 0),
    notRunIsLeast: entries.some(({ tests }) => tests === null),
  };
}
