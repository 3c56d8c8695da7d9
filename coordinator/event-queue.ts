// Where everything that can happen to a run arrives: one queue, one reader. It owns order of arrival and nothing else.

import type { CoordinatorEvent } from './core/state/events.ts';

export interface Inbox {
  push(...events: readonly CoordinatorEvent[]): void;
  /** Everything that arrived since the last call; waits until there is something. */
  next(): Promise<readonly CoordinatorEvent[]>;
  /** From now on `next` rejects with this. */
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
