// Ids and numbers for the xdist workers of one agent's sessions, which no other worker has: ids on this machine, numbers in the whole run.

/** Which workers a number tells apart: those of one machine in this run, or all of the run. */
export type NumberScope = 'machine' | 'fleet';

/** Takes `count` numbers in a row that nobody else of the scope gets, none below `floor`; resolves with the first. */
export type ClaimNumbers = (scope: NumberScope, count: number, floor: number) => Promise<number>;

/** `ids` are the n of `gw<n>`; a worker that replaces another keeps its number and so gets none. */
export interface NumberedWorkers {
  readonly ids: readonly number[];
  readonly numbers: readonly number[];
}

export interface WorkerNumbers {
  /** For the workers that a session starts with. A session that replaces another has the numbers of that. */
  begin(count: number): Promise<NumberedWorkers>;
  /** For one worker that replaces another of its session. An id is never used again, as under plain xdist. */
  replace(): Promise<NumberedWorkers>;
}

export function createWorkerNumbers(claim: ClaimNumbers): WorkerNumbers {
  const held: number[] = [];
  const floors = { machine: 0, fleet: 0 };

  const take = async (scope: NumberScope, count: number): Promise<readonly number[]> => {
    if (count === 0) return [];
    const first = await claim(scope, count, floors[scope]);
    floors[scope] = first + count;
    return Array.from({ length: count }, (_, index) => first + index);
  };

  return {
    async begin(count) {
      const ids = await take('machine', count);
      held.push(...(await take('fleet', Math.max(0, count - held.length))));
      return { ids, numbers: held.slice(0, count) };
    },
    async replace() {
      return { ids: await take('machine', 1), numbers: [] };
    },
  };
}

/** For an agent that is alone in its run, as in a replay. */
export const claimAlone = (): ClaimNumbers => {
  const next = { machine: 0, fleet: 0 };
  return async (scope, count, floor) => {
    const first = Math.max(next[scope], floor);
    next[scope] = first + count;
    return first;
  };
};
