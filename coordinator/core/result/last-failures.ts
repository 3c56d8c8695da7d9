// Selects what `--failed` runs: the failures of an earlier run. Also finds which of those tests no longer exist.

import { fileOf, type NodeId, pytestId, type TestFile } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Report } from '../../../shared/domain/report.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import type { RunState } from '../state/run-state.ts';
import type { Baseline } from './compare.ts';

/** Failed tests, and files and directories that could not be collected. A flaky test passed in the end, so it is not among them. */
export const failuresOf = ({ tests, collectErrors }: Report): readonly string[] => [
  ...new Set<string>([
    ...collectErrors.map(({ file }) => file),
    ...tests.filter(({ outcome }) => isFailure(outcome)).map(({ nodeid }) => pytestId(nodeid)),
  ]),
];

/** True if `path`, a directory, a file or a node id, selects this id; both in the same notation. */
export function selects(path: string, id: string): boolean {
  const own = path.replace(/^\.\//, '').replace(/\/$/, '');
  return own === '' || own === '.' || id === own || ['/', '::', '['].some((separator) => id.startsWith(own + separator));
}

/** The baseline without its passed tests: a run of its failures says nothing about other tests. */
export const onlyFailures = (baseline: Baseline): Baseline => ({
  ...baseline,
  tests: new Map([...baseline.tests].filter(([, { outcome }]) => isFailure(outcome))),
});

/** Tests that were named although they might no longer exist, and that their collected files do not contain. */
export function goneTests(state: RunState): readonly NodeId[] {
  const collected = collectedTests(state);
  const named = state.opened.shards.flatMap(({ selectors }) => selectors.flatMap(optional));
  return named.filter((id) => {
    const known = collected.get(fileOf(id));
    return known !== undefined && !known.some((nodeid) => selects(id, nodeid));
  });
}

const optional = (selector: Selector): readonly NodeId[] =>
  selector.kind === 'tests' && selector.mayMiss === true ? selector.nodeids : [];

/** Collected tests by file, without files that were not collected or could not be. */
function collectedTests(state: RunState): ReadonlyMap<TestFile, readonly NodeId[]> {
  const { list } = state.suite;
  const collected = new Map<TestFile, NodeId[]>();
  // The whole list covers every planned file.
  if (list !== null) for (const { selectors } of state.opened.shards) for (const { file } of selectors) collected.set(file, []);
  for (const { files } of state.shards.values()) {
    for (const { file, tests, collectSeconds } of files.values()) {
      if (collectSeconds !== null || tests.size > 0) collected.set(file, [...(collected.get(file) ?? []), ...tests.keys()]);
    }
  }
  for (const file of state.collectErrors.keys()) collected.delete(file);
  return collected;
}
