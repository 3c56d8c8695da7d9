// Follows a stream of the model as shared/redis/read-stream.ts does: over its own connection, with an empty batch for each silent second.

import type { Network } from './connection.ts';
import { openConnection } from './connection.ts';
import type { Process } from './process.ts';
import { entriesAfter } from './scripts.ts';
import type { Entry, RedisServer } from './server.ts';

const BLOCK_MS = 1000;

/** What a process needs to talk to the server. */
export interface Place {
  readonly server: RedisServer;
  readonly process: Process;
  readonly network: Network;
}

export async function* readStream(
  { server, process, network }: Place,
  stream: () => readonly Entry[],
  from: string,
  count: number,
  signal: AbortSignal,
): AsyncGenerator<readonly Entry[]> {
  if (signal.aborted) return;
  const reader = openConnection(server, process, network);
  const aborted = Promise.withResolvers<null>();
  const onAbort = (): void => {
    reader.close();
    aborted.resolve(null);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  let last = from;
  const find = (): readonly Entry[] | null => {
    const entries = entriesAfter(stream(), last, count);
    return entries.length === 0 ? null : entries;
  };
  try {
    while (!signal.aborted) {
      const entries = (await Promise.race([reader.block(find, BLOCK_MS), aborted.promise])) ?? [];
      if (signal.aborted) return;
      last = entries.at(-1)?.id ?? last;
      yield entries;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    onAbort();
  }
}

/** Resolves when `signal` aborts. */
export const abortOf = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
