// How the workers of one session collect, and when each begins.

import type { HowToCollect } from '../../../shared/domain/suite/suite-list.ts';
import type { WorkerLists } from '../worker-lists.ts';
import type { DeadlyFiles } from './deadly-files.ts';

export interface Collection {
  /** The coordinator has decided. */
  decide(how: HowToCollect): void;
  /** Makes the worker collect. Returns false before the decision, and for pytest's main process, which collects nothing. */
  begin(worker: string): boolean;
  /** The worker has collected. Returns whether it may run tests: a worker whose whole list differs from the first one may not. */
  ready(worker: string): boolean;
  /** The worker checks whether a failed test needs what other test files import, until it calls `examined`. */
  examine(worker: string): void;
  examined(worker: string): void;
  /** The worker is gone. If it died in that check, no worker that begins later does the same: each would lose its other tests. */
  lose(worker: string): void;
}

/** A check may cost a worker. After this many without a restart, the run is red in any case, and further ones would only slow it down. */
const MAX_CHECKS = 10;

/** Counts the checks of failed tests, over all sessions of an agent. */
export interface FailureChecks {
  count(): void;
  /** No worker that begins later checks a failed test. */
  end(): void;
  areOver(): boolean;
}

export function createFailureChecks(): FailureChecks {
  let left = MAX_CHECKS;
  return {
    count() {
      left -= 1;
    },
    end() {
      left = 0;
    },
    areOver: () => left <= 0,
  };
}

/** `send` writes one message to a worker. */
export function createCollection(
  send: (worker: string, message: object) => void,
  lists: WorkerLists,
  deadly: DeadlyFiles,
  checks: FailureChecks,
): Collection {
  /** null until the coordinator has decided. */
  let how: HowToCollect | null = null;
  const examining = new Set<string>();
  return {
    decide(decided) {
      how = decided;
    },
    begin(worker) {
      if (how === null || worker === 'controller') return false;
      const { mode, proves, companions, loads } = how;
      send(worker, { kind: 'begin', collect: mode, proves, companions, loads: checks.areOver() ? [] : loads, deadly: deadly.all() });
      return true;
    },
    examine: (worker) => void examining.add(worker),
    examined(worker) {
      examining.delete(worker);
      checks.count();
    },
    lose(worker) {
      if (examining.delete(worker)) checks.end();
    },
    ready: (worker) => how?.mode !== 'suite' || lists.ready(worker),
  };
}
