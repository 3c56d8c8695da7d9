// The events in an `events.ndjson`, for tests and benchmarks that look into it.

import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { readFileLog } from '../../coordinator/record/file-log.ts';
import { decodeLog } from '../../coordinator/record/record-codec.ts';

export async function recordedEvents(path: string): Promise<readonly CoordinatorEvent[]> {
  return (await collect(decodeLog(readFileLog(path), path))).flatMap(({ events }) => events);
}

/** `Array.fromAsync`, which the compiler's library does not know yet. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
