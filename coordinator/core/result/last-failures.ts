// What `--failed` runs: the failures of an earlier run, and which of its tests are not there any more.

import { fileOf, type NodeId, pytestId, type TestFile } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Report } from '../../../shared/domain/report.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import type { RunState } from '../state/run-state.ts';
import type { Baseline } from './compare.ts';

/** Tests that failed, and files and directories that could not be collected; a flaky test passed in the end. */
export const failuresOf = ({ tests, collectErrors }: Report): readonly string[] => [
  ...new Set<string>([
    ...collectErrors.map(({ file }) => file),
    ...tests.filter(({ outcome }) => isFailure(outcome)).map(({ nodeid }) => pytestId(nodeid)),
  ]),
];

/** Does the path, a directory, a file or a node id, select this id? All in one notation. */
export function selects(path: string, id: string): boolean {
  const own = path.replace(/^\.\//, '').replace(/\/$/, '');
  return own === '' || own === '.' || id === own || ['/', '::', '['].some((separator) => id.startsWith(own + separator));
}

/** The baseline without what passed there: a run of its failures says nothing of other tests. */
export const onlyFailures = (baseline: Baseline): Baseline => ({
  ...baseline,
  tests: new Map([...baseline.tests].filter(([, { outcome }]) => isFailure(outcome))),
});

/** Tests that were named although they might be gone, and that their files, which were collected, do not have. */
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

/** By file; a file that was not collected, or could not be, is not among them. */
function collectedTests(state: RunState): ReadonlyMap<TestFile, readonly NodeId[]> {
  const { list } = state.suite;
  const collected = new Map<TestFile, NodeId[]>();
  // The whole list says of every planned file what it holds.
  if (list !== null) for (const { selectors } of state.opened.shards) for (const { file } of selectors) collected.set(file, []);
  for (const { files } of state.shards.values()) {
    for (const { file, tests, collectSeconds } of files.values()) {
      if (collectSeconds !== null || tests.size > 0) collected.set(file, [...(collected.get(file) ?? []), ...tests.keys()]);
    }
  }
  for (const file of state.collectErrors.keys()) collected.delete(file);
  return collected;
}
