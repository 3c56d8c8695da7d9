// How a queue empties: machines that each take the next when they are free.

export interface Pulled {
  readonly makespanSeconds: number;
  /** Which machine took each, in the order given. */
  readonly machines: readonly number[];
  /** The machine that ends last. */
  readonly last: number;
}

/** What becomes of work of these durations, in this order, in seconds, on `machines` of them (at least one) that all begin at once. */
export function pull(durations: readonly number[], machines: number): Pulled {
  const freeAt = new Array<number>(Math.max(1, Math.min(machines, durations.length))).fill(0);
  const takers = durations.map((duration) => {
    let first = 0;
    for (let machine = 1; machine < freeAt.length; machine += 1) {
      if ((freeAt[machine] ?? 0) < (freeAt[first] ?? 0)) first = machine;
    }
    freeAt[first] = (freeAt[first] ?? 0) + duration;
    return first;
  });
  const makespanSeconds = freeAt.reduce((longest, at) => Math.max(longest, at), 0);
  return { makespanSeconds, machines: takers, last: freeAt.indexOf(makespanSeconds) };
}
