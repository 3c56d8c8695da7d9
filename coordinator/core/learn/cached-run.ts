// Extracts from a run's state what pytest's cache needs: the selected tests in pytest's order, and their outcomes.

import { type NodeId, pytestId, type TestFile } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { Report } from '../../../shared/domain/report.ts';
import type { RunCache } from '../../../shared/domain/suite/pytest-cache.ts';
import type { ListGroup, SuiteList } from '../../../shared/domain/suite/suite-list.ts';
import type { RunState } from '../state/run-state.ts';
import type { CachedRun } from './pytest-cache.ts';

/** `now` is local time in the format of Python's `datetime.isoformat`. */
export function cachedRun(state: RunState, report: Report, { files, stepwise }: RunCache, now: string): CachedRun {
  const { list } = state.suite;
  const rank = new Map<string, number>(files.map((file, index) => [file, index]));
  // The directory of a conftest sorts before the files in it.
  const rankOf = (id: string): number => rank.get(id) ?? -1;
  const collected = list === null ? collectedFiles(state).sort((left, right) => rankOf(left.file) - rankOf(right.file)) : listedFiles(list);
  return {
    // A module that skips itself counts as a skipped test of its own name; pytest's cache records it as a file.
    files: collected.map(({ file, nodeids }) => ({ file, nodeids: nodeids.map(pytestId).filter((id) => (id as string) !== file) })),
    collectErrors: report.collectErrors.toSorted((left, right) => rankOf(left.file) - rankOf(right.file)).map(({ nodeid }) => nodeid),
    outcomeOf: outcomesOf(report),
    stepwise,
    testCount: list?.stepwiseCount ?? null,
    now,
  };
}

/** Tests that share a node id share an entry; the last one decides, as in pytest. */
function outcomesOf(report: Report): CachedRun['outcomeOf'] {
  const outcomes = new Map<string, Outcome>(report.tests.map(({ nodeid, outcome }) => [pytestId(nodeid), outcome]));
  return (id) => outcomes.get(id) ?? null;
}

const listedFiles = ({ groups, others, failed }: SuiteList): readonly ListGroup[] => [
  ...groups,
  ...others.filter((file) => !failed.includes(file)).map((file) => ({ file, nodeids: [] })),
];

function collectedFiles(state: RunState): ListGroup[] {
  const collected = new Map<TestFile, Set<NodeId>>();
  for (const { files } of state.shards.values()) {
    for (const { file, tests, collectSeconds } of files.values()) {
      if (collectSeconds === null && tests.size === 0) continue;
      const known = collected.get(file) ?? new Set<NodeId>();
      for (const nodeid of tests.keys()) known.add(nodeid);
      collected.set(file, known);
    }
  }
  return [...collected].map(([file, nodeids]) => ({ file, nodeids: [...nodeids] }));
}
