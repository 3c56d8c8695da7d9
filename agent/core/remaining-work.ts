// What is left of one attempt: the files without a collection result, and the collected tests without a result. It does not know which
// worker runs them.

import { fileOf, type NodeId, type TestFile, testFile } from '../../shared/domain/ids.ts';
import type { Selector } from '../../shared/domain/shard.ts';

export interface RemainingWork {
  /** The file was collected; its `postponed` tests run in other attempts and thus not left. Returns false if it was collected before. */
  collect(file: TestFile, nodeids: readonly NodeId[], postponed: readonly NodeId[]): boolean;
  /** The file or directory could not be collected. Returns false if it has failed before. */
  fail(file: TestFile): boolean;
  /** The test has its result. Returns false if it had one before. */
  settle(nodeid: NodeId): boolean;
  /** The file with which the test was collected. Its node id may begin with another path. */
  fileFor(nodeid: NodeId): TestFile;
  /** Files without a collection result, and collected tests without a result. */
  missing(): readonly string[];
  /** The same as selectors, in the order of the attempt's own. */
  selectors(): readonly Selector[];
}

/** At first, everything that `selectors` name is left. */
export function createRemainingWork(selectors: readonly Selector[]): RemainingWork {
  const collected = new Set<TestFile>();
  const failed = new Set<TestFile>();
  const open = new Set<NodeId>();
  const settled = new Set<NodeId>();
  const files = new Map<NodeId, TestFile>();
  const fileFor = (nodeid: NodeId): TestFile => files.get(nodeid) ?? fileOf(nodeid);
  const isKnown = (file: TestFile): boolean => collected.has(file) || failed.has(file) || isBelow(file, failed);

  return {
    collect(file, nodeids, postponed) {
      if (collected.has(file)) return false;
      collected.add(file);
      for (const nodeid of nodeids) {
        files.set(nodeid, file);
        if (!settled.has(nodeid)) open.add(nodeid);
      }
      for (const nodeid of postponed) open.delete(nodeid);
      return true;
    },
    fail(file) {
      if (failed.has(file)) return false;
      failed.add(file);
      return true;
    },
    settle(nodeid) {
      if (settled.has(nodeid)) return false;
      settled.add(nodeid);
      open.delete(nodeid);
      return true;
    },
    fileFor,
    missing() {
      const named = new Set(selectors.map((selector) => selector.file));
      return [...[...named].filter((file) => !isKnown(file)), ...open];
    },
    selectors() {
      const unsettled = Map.groupBy(open, fileFor);
      return selectors.flatMap((selector): Selector[] => {
        if (!isKnown(selector.file)) return [selector];
        const nodeids = unsettled.get(selector.file);
        unsettled.delete(selector.file);
        return nodeids === undefined ? [] : [{ kind: 'tests', file: selector.file, nodeids }];
      });
    },
  };
}

/** Whether the file is inside a directory that failed to collect (`.` is the root). */
function isBelow(file: TestFile, failed: ReadonlySet<TestFile>): boolean {
  if (failed.has(testFile('.'))) return true;
  return [...failed].some((directory) => file.startsWith(`${directory}/`));
}
