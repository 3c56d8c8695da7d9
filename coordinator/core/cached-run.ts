// What a run's state says to pytest's cache: which tests were selected, in pytest's order, and what became of them.

import type { NodeId, TestFile } from '../../shared/ids.ts';
import type { Outcome } from '../../shared/outcome.ts';
import type { RunCache } from '../../shared/pytest-cache.ts';
import type { Report } from '../../shared/report.ts';
import type { CachedRun } from './pytest-cache.ts';
import type { RunState } from './run-state.ts';

/** `now` is local time as Python's `datetime.isoformat` writes it. */
export function cachedRun(state: RunState, report: Report, { files, stepwise }: RunCache, now: string): CachedRun {
  const rank = new Map<string, number>(files.map((file, index) => [file, index]));
  // A conftest's directory comes before the files in it.
  const rankOf = (id: string): number => rank.get(id) ?? -1;
  const outcomes = new Map<string, Outcome>(report.tests.map(({ nodeid, outcome }) => [nodeid, outcome]));
  const collected = collectedFiles(state);
  return {
    files: [...collected]
      .sort(([left], [right]) => rankOf(left) - rankOf(right))
      // A module that skips itself counts as a skipped test of its own name; pytest's cache knows of it as a file.
      .map(([file, nodeids]) => ({ file, nodeids: [...nodeids].filter((nodeid) => (nodeid as string) !== file) })),
    collectErrors: report.collectErrors.map(({ file }) => file).sort((left, right) => rankOf(left) - rankOf(right)),
    outcomeOf: (nodeid) => outcomes.get(nodeid) ?? null,
    stepwise,
    testCount: null,
    now,
  };
}

function collectedFiles(state: RunState): ReadonlyMap<TestFile, ReadonlySet<NodeId>> {
  const collected = new Map<TestFile, Set<NodeId>>();
  for (const { files } of state.shards.values()) {
    for (const { file, tests, collectSeconds } of files.values()) {
      if (collectSeconds === null && tests.size === 0) continue;
      const known = collected.get(file) ?? new Set<NodeId>();
      for (const nodeid of tests.keys()) known.add(nodeid);
      collected.set(file, known);
    }
  }
  return collected;
}
