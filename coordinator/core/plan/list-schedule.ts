// Simulates how a queue empties when each machine takes the next piece of work as soon as it is free (Graham 1969: list scheduling).

export interface Pulled {
  readonly makespanSeconds: number;
  /** The machine that took each piece, in the order given. */
  readonly machines: readonly number[];
  /** The machine that finishes last. */
  readonly last: number;
}

/**
 * Schedules work of these durations, in seconds and in this order, on `machines` machines (at least one) that start together. If several
 * machines are free, the lowest number takes the next piece. O(n log m).
 */
export function pull(durations: readonly number[], machines: number): Pulled {
  const freeAt = new Array<number>(Math.max(1, Math.min(machines, durations.length))).fill(0);
  // A binary heap of machines with the next free one at its top.
  const heap = freeAt.map((_, machine) => machine);
  const isSooner = (left: number, right: number): boolean => {
    const [leftAt, rightAt] = [freeAt[left] ?? 0, freeAt[right] ?? 0];
    return leftAt < rightAt || (leftAt === rightAt && left < right);
  };
  const sink = (): void => {
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < heap.length && isSooner(heap[child] ?? 0, heap[least] ?? 0)) least = child;
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least] ?? 0, heap[at] ?? 0];
      at = least;
    }
  };
  const takers = durations.map((duration) => {
    const [first = 0] = heap;
    freeAt[first] = (freeAt[first] ?? 0) + duration;
    sink();
    return first;
  });
  const makespanSeconds = freeAt.reduce((longest, at) => Math.max(longest, at), 0);
  return { makespanSeconds, machines: takers, last: freeAt.indexOf(makespanSeconds) };
}
