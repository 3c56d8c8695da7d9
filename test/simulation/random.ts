// Pseudo-random numbers from a seed and a name alone: drawing more numbers under one name does not change those of another.

export interface Random {
  /** Below 1. */
  next(): number;
  /** From `least` to `most`, both included. */
  int(least: number, most: number): number;
  /** True with this probability. */
  chance(part: number): boolean;
  pick<const Item>(items: readonly [Item, ...Item[]]): Item;
}

/** xmur3 makes the state from a text, sfc32 the numbers from the state (Bryc, "PRNGs in JavaScript"). */
export function randomOf(seed: number, name: string): Random {
  const state = hash(`${seed} ${name}`);
  let [a, b, c, d] = [state(), state(), state(), state()];
  const next = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round += 1) next();
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    int,
    chance: (part) => next() < part,
    pick: (items) => items[int(0, items.length - 1)] ?? items[0],
  };
}

function hash(text: string): () => number {
  let state = 1779033703 ^ text.length;
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 3432918353);
    state = (state << 13) | (state >>> 19);
  }
  return () => {
    state = Math.imul(state ^ (state >>> 16), 2246822507);
    state = Math.imul(state ^ (state >>> 13), 3266489909);
    state ^= state >>> 16;
    return state >>> 0;
  };
}
