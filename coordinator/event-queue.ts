// Queues everything that happens to a run for its single reader, the run loop. Keeps the order of arrival; interprets nothing.

import type { OwnEvent } from './core/state/events.ts';
import type { StreamEntry } from './ports.ts';

/** An event that a coordinator made, or an entry of the run's stream. */
export type Incoming = OwnEvent | StreamEntry;

export interface Inbox {
  push(...incoming: readonly Incoming[]): void;
  /** Resolves with everything since the last call; waits while there is nothing. */
  next(): Promise<readonly Incoming[]>;
  /** Makes every later call of `next` reject with `cause`. */
  fail(cause: unknown): void;
}

export function createInbox(): Inbox {
  let waiting: Incoming[] = [];
  let failure: { readonly cause: unknown } | null = null;
  let wake = Promise.withResolvers<void>();
  return {
    push(...incoming) {
      for (const each of incoming) waiting.push(each);
      wake.resolve();
    },
    async next() {
      await wake.promise;
      if (failure !== null) throw failure.cause;
      const incoming = waiting;
      waiting = [];
      wake = Promise.withResolvers<void>();
      return incoming;
    },
    fail(cause) {
      failure ??= { cause };
      wake.resolve();
    },
  };
}
