// The whole lists that the xdist workers of one session collect. The first list is the session's; a worker with another list runs nothing.

import { type NodeId, nodeId, type TestFile, testFile } from '../../shared/domain/ids.ts';
import type { TestNeeds } from '../../shared/domain/needs.ts';
import type { ListGroup, SuiteList } from '../../shared/domain/suite/suite-list.ts';
import { needsFrom, type PytestMessage } from './codec.ts';

type Listed = Extract<PytestMessage, { readonly kind: 'listed' }>;
type End = Extract<PytestMessage, { readonly kind: 'list-end' }>;
type Group = Extract<PytestMessage, { readonly kind: 'list-group' }>;

export interface WorkerLists {
  /** Takes a worker's list. Returns false when it differs from the session's. */
  take(worker: string, list: Listed): boolean;
  /** The worker is ready. Returns whether it may run tests. If no worker was asked for the tests of the list yet, it is asked now. */
  ready(worker: string): boolean;
  /** Takes one part of the list from the worker that was asked for it. */
  group(worker: string, group: Group): void;
  /** The worker has sent the whole list. */
  end(worker: string, end: End): void;
  /** The worker is gone. */
  lose(worker: string): void;
  /** Whether a live worker's list differs from the session's. */
  hasOdd(): boolean;
}

/** `ask` requests the list from a worker; `listed` receives it once. */
export function createWorkerLists(ask: (worker: string) => void, listed: (list: SuiteList) => void): WorkerLists {
  let own: Listed | null = null;
  let groups: ListGroup[] = [];
  let needs: TestNeeds[] = [];
  /** The worker that was asked for the list; null when there is none to ask, or when the whole list has arrived. */
  let source: string | null = null;
  let isWhole = false;
  const ready = new Set<string>();
  const odd = new Set<string>();

  const askNext = (): void => {
    const [first] = ready;
    if (isWhole || source !== null || own === null || first === undefined) return;
    source = first;
    groups = [];
    needs = [];
    ask(first);
  };

  return {
    take(worker, list) {
      own ??= list;
      if (own.hash === list.hash) return true;
      odd.add(worker);
      return false;
    },
    ready(worker) {
      if (odd.has(worker)) return false;
      ready.add(worker);
      askNext();
      return true;
    },
    group(worker, { file, nodeids, needs: own }) {
      if (worker !== source) return;
      groups.push({ file: testFile(file), nodeids: nodeids.map(nodeId) satisfies readonly NodeId[] });
      needs.push(...own.map(needsFrom));
    },
    end(worker, { problems, digests, loads }) {
      if (worker !== source || own === null) return;
      isWhole = true;
      source = null;
      const { hash, order, why, tail, stepwiseCount } = own;
      const named = (files: readonly string[]): readonly TestFile[] => files.map(testFile);
      const proof =
        problems === null
          ? null
          : {
              problems,
              digests: digests.map(([file, digest]) => [testFile(file), digest] as const),
              loads: loads.map(({ file, modules }) => ({ file: file === null ? null : testFile(file), modules })),
            };
      listed({
        proof,
        hash,
        order,
        why,
        tail,
        bound: named(own.bound),
        others: named(own.others),
        failed: named(own.failed),
        groups,
        ...(needs.length === 0 ? {} : { needs }),
        stepwiseCount,
      });
    },
    lose(worker) {
      ready.delete(worker);
      odd.delete(worker);
      if (source !== worker) return;
      source = null;
      askNext();
    },
    hasOdd: () => odd.size > 0,
  };
}
