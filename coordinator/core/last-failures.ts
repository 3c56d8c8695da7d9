// What `--failed` runs: the failures of an earlier run, and which of its tests are not there any more.

import type { NodeId } from '../../shared/ids.ts';
import { isFailure } from '../../shared/outcome.ts';
import type { Report } from '../../shared/report.ts';
import type { Selector } from '../../shared/shard.ts';
import type { Baseline } from './compare.ts';
import type { RunState } from './run-state.ts';

/** Tests that failed, and files and directories that could not be collected; a flaky test passed in the end. */
export const failuresOf = ({ tests, collectErrors }: Report): readonly string[] => [
  ...new Set<string>([
    ...collectErrors.map(({ file }) => file),
    ...tests.filter(({ outcome }) => isFailure(outcome)).map(({ nodeid }) => nodeid),
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

/** Tests that were planned although they might be gone, and that their files, which were collected, do not have. */
export function goneTests(state: RunState): readonly NodeId[] {
  const gone: NodeId[] = [];
  for (const { files } of state.shards.values()) {
    for (const { selectors, tests, collectSeconds } of files.values()) {
      if (collectSeconds === null) continue;
      const known = [...tests.keys()];
      gone.push(...selectors.flatMap(optional).filter((named) => !known.some((nodeid) => selects(named, nodeid))));
    }
  }
  return [...new Set(gone)];
}

const optional = (selector: Selector): readonly NodeId[] =>
  selector.kind === 'tests' && selector.mayMiss === true ? selector.nodeids : [];
