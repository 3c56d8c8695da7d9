// Selects the recorded tests of an agent or xdist worker in their order, and groups them into the requests that reproduce this order.

import type { BegunTest } from '../../shared/domain/begun-test.ts';
import { type AgentId, fileOf, type NodeId, type TestFile } from '../../shared/domain/ids.ts';

/**
 * Which tests to select. `agent` null: the agent that ran `upTo`. `worker` null: every xdist worker of the agent. `upTo` is the last test;
 * null selects all.
 */
export interface WhichTests {
  readonly agent: AgentId | null;
  readonly worker: string | null;
  readonly upTo: NodeId | null;
}

/**
 * The selected tests in the order in which they started; empty when none matches. If no worker is named, it is the one on which `upTo`
 * failed, or else the one that ran it first.
 */
export function testsOf(tests: readonly BegunTest[], { agent, worker, upTo }: WhichTests): readonly BegunTest[] {
  const matching = tests.filter((test) => (agent === null || test.agent === agent) && (worker === null || test.worker === worker));
  if (upTo === null) return matching;
  const runs = matching.filter(({ nodeid }) => nodeid === upTo);
  const last = runs.find(({ outcome }) => outcome === 'failed' || outcome === 'error' || outcome === null) ?? runs[0];
  if (last === undefined) return [];
  const same = matching.filter((test) => test.agent === last.agent && test.worker === last.worker);
  return same.slice(0, same.indexOf(last) + 1);
}

/** Consecutive tests of one file. */
export interface FileGroup {
  readonly file: TestFile;
  readonly nodeids: readonly NodeId[];
}

/** Groups consecutive tests by file. A test that appears twice within a group starts a new group of the same file. */
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
