// Reduces a list to a minimal part that still produces an effect.

/**
 * Delta debugging: "Simplifying and Isolating Failure-Inducing Input", Zeller and Hildebrandt 2002, ddmin. Yields each list to try and
 * receives whether it still produces the effect. Returns a list from which no item can be removed. Assumes that the whole list produces the
 * effect and that the empty list does not.
 */
export function* minimize<Item>(items: readonly Item[]): Generator<readonly Item[], readonly Item[], boolean> {
  let current = items;
  let parts = 2;
  while (current.length >= 2) {
    const chunks = divide(current, parts);
    let reduced: { readonly items: readonly Item[]; readonly parts: number } | null = null;
    for (const chunk of chunks) {
      if (yield chunk) {
        reduced = { items: chunk, parts: 2 };
        break;
      }
    }
    // With two parts, the complement of one part is the other part, which was tried already.
    for (const chunk of reduced === null && parts > 2 ? chunks : []) {
      const rest = current.filter((item) => !chunk.includes(item));
      if (yield rest) {
        reduced = { items: rest, parts: Math.max(parts - 1, 2) };
        break;
      }
    }
    if (reduced !== null) {
      current = reduced.items;
      parts = Math.min(reduced.parts, current.length);
    } else if (parts < current.length) parts = Math.min(parts * 2, current.length);
    else break;
  }
  return current;
}

/** Splits `items` into `parts` consecutive parts of nearly equal length. */
function divide<Item>(items: readonly Item[], parts: number): (readonly Item[])[] {
  const edge = (index: number): number => Math.floor((index * items.length) / parts);
  return Array.from({ length: parts }, (_, index) => items.slice(edge(index), edge(index + 1))).filter((part) => part.length > 0);
}
