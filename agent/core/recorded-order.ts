// What an agent, or one of its xdist workers, ran, in its order; and as what has to be asked for to have the same again.

import type { BegunTest } from '../../shared/domain/begun-test.ts';
import { type AgentId, fileOf, type NodeId, type TestFile } from '../../shared/domain/ids.ts';

/** Whose tests. `agent` null for whoever ran `upTo`, `worker` null for all of the agent's; `upTo` is the last test, null for all. */
export interface WhichTests {
  readonly agent: AgentId | null;
  readonly worker: string | null;
  readonly upTo: NodeId | null;
}

/** In the order in which they began; empty where nothing matches. A worker that is not named is that of `upTo`'s failure, or of its first run. */
export function testsOf(tests: readonly BegunTest[], { agent, worker, upTo }: WhichTests): readonly BegunTest[] {
  const matching = tests.filter((test) => (agent === null || test.agent === agent) && (worker === null || test.worker === worker));
  if (upTo === null) return matching;
  const runs = matching.filter(({ nodeid }) => nodeid === upTo);
  const last = runs.find(({ outcome }) => outcome === 'failed' || outcome === 'error' || outcome === null) ?? runs[0];
  if (last === undefined) return [];
  const same = matching.filter((test) => test.agent === last.agent && test.worker === last.worker);
  return same.slice(0, same.indexOf(last) + 1);
}

/** Tests of one file that follow each other. */
export interface FileGroup {
  readonly file: TestFile;
  readonly nodeids: readonly NodeId[];
}

/** Files as they follow each other. A test that is named twice in a row of one file begins the file anew. */
export function groupByFile(nodeids: readonly NodeId[]): readonly FileGroup[] {
  const groups: { file: TestFile; nodeids: NodeId[] }[] = [];
  for (const nodeid of nodeids) {
    const file = fileOf(nodeid);
    const last = groups.at(-1);
    if (last?.file === file && !last.nodeids.includes(nodeid)) last.nodeids.push(nodeid);
    else groups.push({ file, nodeids: [nodeid] });
  }
  return groups;
}
