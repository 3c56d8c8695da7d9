// Waits for two tasks that run at once: how long each took, and what went wrong in either.

export interface Timed<Value> {
  readonly value: Value;
  readonly seconds: number;
}

export async function timed<Value>(promise: Promise<Value>): Promise<Timed<Value>> {
  const startedAt = performance.now();
  const value = await promise;
  return { value, seconds: (performance.now() - startedAt) / 1000 };
}

/** Resolves with both values, or throws all errors together so that a user can fix all at once. */
export async function bothOrAll<First, Second>(
  first: Promise<First>,
  second: Promise<Second>,
  failing: AbortController,
): Promise<[First, Second]> {
  const settled = await Promise.allSettled([first, second]);
  const reasons = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (reasons.length > 0) {
    failing.abort();
    throw reasons.length === 1 ? reasons[0] : new AggregateError(reasons);
  }
  return Promise.all([first, second]);
}
