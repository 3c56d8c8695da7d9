// The agent's way out: events leave in order, one append at a time; what is told while one is under way goes with the next.
// It owns batching and nothing else: exactly-once is the JoinedRun's.

import type { RunEvent } from '../shared/events.ts';

/** How many events one append carries at most, so that one message stays well below Redis's and Node's comfortable sizes. */
const BATCH_EVENTS = 200;

export interface Outbox {
  /** Queues one event; returns at once. After a failed append nothing more is sent and `flushed` rejects with its cause. */
  push(event: RunEvent): void;
  /** Resolves when everything pushed so far is stored. */
  flushed(): Promise<void>;
}

export function createOutbox(append: (events: readonly RunEvent[]) => Promise<void>): Outbox {
  let waiting: RunEvent[] = [];
  let sending: Promise<void> | null = null;
  let failure: { readonly cause: unknown } | null = null;

  const drain = async (): Promise<void> => {
    try {
      while (waiting.length > 0 && failure === null) {
        const batch = waiting.slice(0, BATCH_EVENTS);
        waiting = waiting.slice(BATCH_EVENTS);
        await append(batch);
      }
    } catch (thrown) {
      failure = { cause: thrown };
    } finally {
      sending = null;
    }
  };

  return {
    push(event) {
      waiting.push(event);
      sending ??= drain();
    },
    async flushed() {
      while (sending !== null) await sending;
      if (failure !== null) throw failure.cause;
    },
  };
}
