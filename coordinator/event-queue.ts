// Queues every event of a run for its single reader, the run loop. Keeps the order of arrival; interprets nothing.

import type { CoordinatorEvent } from './core/state/events.ts';

export interface Inbox {
  push(...events: readonly CoordinatorEvent[]): void;
  /** Resolves with all events since the last call; waits while there are none. */
  next(): Promise<readonly CoordinatorEvent[]>;
  /** Makes every later call of `next` reject with `cause`. */
  fail(cause: unknown): void;
}

export function createInbox(): Inbox {
  let waiting: CoordinatorEvent[] = [];
  let failure: { readonly cause: unknown } | null = null;
  let wake = Promise.withResolvers<void>();
  return {
    push(...events) {
      for (const event of events) waiting.push(event);
      wake.resolve();
    },
    async next() {
      await wake.promise;
      if (failure !== null) throw failure.cause;
      const events = waiting;
      waiting = [];
      wake = Promise.withResolvers<void>();
      return events;
    },
    fail(cause) {
      failure ??= { cause };
      wake.resolve();
    },
  };
}
