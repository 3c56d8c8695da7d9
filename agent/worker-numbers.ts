// Gives the xdist workers of an agent's sessions unique ids and numbers: an id is unique on this machine, a number in the whole run.

/**
 * What a number is unique among: the xdist workers of one machine in this run, all of the run, or the pytest processes of the run in one
 * workspace.
 */
export type NumberScope = 'machine' | 'fleet' | 'workspace';

/** Takes `count` consecutive numbers, none below `floor`, that no other caller of the scope gets. Resolves with the first. */
export type ClaimNumbers = (scope: NumberScope, count: number, floor: number) => Promise<number>;

/** `ids` are the n of `gw<n>`. A replacement worker keeps its predecessor's number, so `numbers` is empty for it. */
export interface NumberedWorkers {
  readonly ids: readonly number[];
  readonly numbers: readonly number[];
}

export interface WorkerNumbers {
  /** Ids and numbers for the first workers of a session. A session that replaces another reuses its numbers. */
  begin(count: number): Promise<NumberedWorkers>;
  /** An id for one worker that replaces another in its session. No id is used twice, as under plain xdist. */
  replace(): Promise<NumberedWorkers>;
}

export function createWorkerNumbers(claim: ClaimNumbers): WorkerNumbers {
  const held: number[] = [];
  const floors = { machine: 0, fleet: 0 };

  const take = async (scope: 'machine' | 'fleet', count: number): Promise<readonly number[]> => {
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
  const next = { machine: 0, fleet: 0, workspace: 0 };
  return async (scope, count, floor) => {
    const first = Math.max(next[scope], floor);
    next[scope] = first + count;
    return first;
  };
};
