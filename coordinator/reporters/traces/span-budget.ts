// Chooses what gets a span when a run has more than a trace may hold: the failed and the slowest.

/** Something that may get a span. Instants are milliseconds since the epoch. */
export interface Timed {
  readonly from: number;
  readonly to: number;
  readonly failed: boolean;
}

/** Returns at most `most` of the attempts, collections and tests, each in their order. Attempts get at most half of the room. */
export function chooseSpans<Attempt extends Timed, Collection extends Timed, Test extends Timed>(
  attempts: readonly Attempt[],
  collections: readonly Collection[],
  tests: readonly Test[],
  most: number,
): { readonly attempts: readonly Attempt[]; readonly collections: readonly Collection[]; readonly tests: readonly Test[] } {
  if (attempts.length + collections.length + tests.length <= most) return { attempts, collections, tests };
  const kept = worst(attempts, Math.floor(most / 2));
  const rest = worst<Timed>([...collections, ...tests], most - kept.size);
  return {
    attempts: attempts.filter((each) => kept.has(each)),
    collections: collections.filter((each) => rest.has(each)),
    tests: tests.filter((each) => rest.has(each)),
  };
}

/** The failed ones first, then the slowest. */
function worst<Item extends Timed>(items: readonly Item[], most: number): ReadonlySet<Item> {
  const ranked = items.toSorted(
    (left, right) => Number(right.failed) - Number(left.failed) || right.to - right.from - (left.to - left.from),
  );
  return new Set(ranked.slice(0, most));
}
