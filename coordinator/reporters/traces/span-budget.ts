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
  const failed = slowest(
    items.filter((item) => item.failed),
    most,
  );
  const others = slowest(
    items.filter((item) => !item.failed),
    most - failed.length,
  );
  return new Set([...failed, ...others]);
}

/** Sorts numbers and not items: a run may have a million. */
function slowest<Item extends Timed>(items: readonly Item[], most: number): readonly Item[] {
  if (items.length <= most) return items;
  const least = Float64Array.from(items, durationOf).sort()[items.length - most] ?? Number.POSITIVE_INFINITY;
  const slower = items.filter((item) => durationOf(item) > least);
  const equal = items.filter((item) => durationOf(item) === least);
  return [...slower, ...equal.slice(0, most - slower.length)];
}

const durationOf = ({ from, to }: Timed): number => to - from;
