// How many tests have no outcome, as far as that is known: a file that nobody collected holds as many as earlier runs knew of it.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import type { NotRun, Totals } from '../../../shared/domain/report.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import type { FileTiming, Timings } from '../../../shared/domain/timings.ts';
import type { DiscoveredFile } from '../plan/discovered-file.ts';
import { isNamedBy } from '../plan/estimate.ts';
import type { KnownTests } from '../state/events.ts';

/** What earlier runs knew of the files that were found. */
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

/** What earlier runs knew below a path of which nothing was found yet. */
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

/** An earlier run that ran none of it does not know. */
function put(known: Record<string, number>, name: string, tests: number): void {
  if (tests > 0) known[name] = tests;
}

/** How many tests a file stands for that nobody collected; null where nobody knows. Tests that other parts of it have are theirs. */
export function testsOfFile(file: TestFile, selectors: readonly Selector[], known: KnownTests): number | null {
  const tests = knownOf(file, known);
  if (tests === null) return null;
  const elsewhere = selectors.flatMap((selector) => (selector.kind === 'part' ? selector.except : []));
  return Math.max(1, tests - new Set(elsewhere).size);
}

/** The same of an id that a selector names: with its parameters it is one test, without it may be several, and a class holds some. */
export const testsOfName = (name: NodeId, known: KnownTests): number | null => (name.includes('[') ? 1 : knownOf(name, known));

/** A file may be called `constructor`. */
const knownOf = (name: string, known: KnownTests): number | null => (Object.hasOwn(known, name) ? (known[name] ?? null) : null);

/** All of them together. What nobody knows counts as one, and then the sum is the least. */
export function countNotRun(entries: readonly NotRun[]): Pick<Totals, 'notRun' | 'notRunIsLeast'> {
  return {
    notRun: entries.reduce((sum, { tests }) => sum + (tests ?? 1), 0),
    notRunIsLeast: entries.some(({ tests }) => tests === null),
  };
}
