// Runs a limited number of tasks at a time.

/** Calls `run` for every item in order, at most `most` at a time. Calls `done` in order too, once an item and all items before it have ended. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  most: number,
  run: (item: Item) => Promise<Result>,
  done: (item: Item, result: Result) => Promise<void> | void,
): Promise<void> {
  const running: Promise<Result>[] = [];
  const results = items.map((item, index) => {
    const before = running[index - most];
    const result = before === undefined ? run(item) : before.then(() => run(item));
    running.push(result);
    return result;
  });
  for (const [index, item] of items.entries()) await done(item, await (results[index] as Promise<Result>));
}
