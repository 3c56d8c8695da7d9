// The processes of one session: how many workers are still to become ready, and which workers may run tests.

/** The number of workers in a row that may end before they are ready. More mean that a conftest or a plugin kills them. */
const STILLBORN_LIMIT = 3;

export interface Roster {
  /** A process has connected: an xdist worker, or pytest's main process. */
  meet(worker: string, pid: number): void;
  /** Every process that ever connected. */
  met(): Iterable<string>;
  pidOf(worker: string): number | undefined;
  /** xdist starts this many first workers. */
  expect(count: number): void;
  ready(worker: string, mayRunTests: boolean): void;
  /** The worker ends in order. xdist replaces it, or the session ends by itself. */
  retire(worker: string): void;
  /** The worker died. `isReplaced`: xdist starts another worker in its place. */
  lose(worker: string, isReplaced: boolean): void;
  /** Counts a dead worker if it was never ready. Returns whether too many in a row were not. */
  diedAtStart(worker: string): boolean;
  /** Whether any worker was ever ready. */
  hasBorn(): boolean;
  /** Whether every worker that xdist started, and every replacement, is ready. */
  isComplete(): boolean;
  /** Whether no worker may run tests. */
  isEmpty(): boolean;
}

export function createRoster(): Roster {
  const pids = new Map<string, number>();
  /** Workers that were ready once, and how many others have ended since the last one became ready. */
  const born = new Set<string>();
  let stillborn = 0;
  /** The number of workers that are not ready yet, counting those that xdist still starts or replaces. */
  let coming = Number.POSITIVE_INFINITY;
  /** Workers that may run tests. */
  const present = new Set<string>();

  return {
    meet: (worker, pid) => void pids.set(worker, pid),
    met: () => pids.keys(),
    pidOf: (worker) => pids.get(worker),
    expect(count) {
      coming = count;
    },
    ready(worker, mayRunTests) {
      if (!born.has(worker)) coming -= 1;
      born.add(worker);
      stillborn = 0;
      if (mayRunTests) present.add(worker);
    },
    retire(worker) {
      coming += 1;
      present.delete(worker);
    },
    lose(worker, isReplaced) {
      if (isReplaced) coming += 1;
      if (!born.has(worker)) coming -= 1;
      present.delete(worker);
    },
    diedAtStart: (worker) => !born.has(worker) && ++stillborn > STILLBORN_LIMIT,
    hasBorn: () => born.size > 0,
    isComplete: () => coming <= 0,
    isEmpty: () => present.size === 0,
  };
}
