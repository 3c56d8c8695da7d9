// The agent's way out: events leave in order, one append at a time; what is told while one is under way goes with the next.
// It owns batching and how much may wait while Redis is away; exactly-once is the JoinedRun's.

import type { RunEvent } from '../shared/events.ts';

/** How many events one append carries at most, so that one message stays well below Redis's and Node's comfortable sizes. */
const BATCH_EVENTS = 200;
/** How much may wait, in characters of what tests printed and of their names, before pytest is to wait too. */
const FULL_CHARS = 64_000_000;
/** What an event takes besides its texts, about. */
const EVENT_CHARS = 300;

export interface Outbox {
  /** Queues one event; returns at once. After a failed append nothing more is sent and `flushed` rejects with its cause. */
  push(event: RunEvent): void;
  /** Resolves when everything pushed so far is stored. */
  flushed(): Promise<void>;
  /** null while there is room; else resolves when half of what waits has left, or nothing more will leave. */
  room(): Promise<void> | null;
}

export function createOutbox(append: (events: readonly RunEvent[]) => Promise<void>, fullChars: number = FULL_CHARS): Outbox {
  let waiting: RunEvent[] = [];
  let waitingChars = 0;
  let roomier: PromiseWithResolvers<void> | null = null;
  let sending: Promise<void> | null = null;
  let failure: { readonly cause: unknown } | null = null;

  const makeRoom = (): void => {
    if (waitingChars > fullChars / 2 && failure === null) return;
    roomier?.resolve();
    roomier = null;
  };

  const drain = async (): Promise<void> => {
    try {
      while (waiting.length > 0 && failure === null) {
        const batch = waiting.slice(0, BATCH_EVENTS);
        waiting = waiting.slice(BATCH_EVENTS);
        await append(batch);
        for (const event of batch) waitingChars -= charsOf(event);
        makeRoom();
      }
    } catch (thrown) {
      failure = { cause: thrown };
      makeRoom();
    } finally {
      sending = null;
    }
  };

  return {
    push(event) {
      waiting.push(event);
      waitingChars += charsOf(event);
      sending ??= drain();
    },
    async flushed() {
      while (sending !== null) await sending;
      if (failure !== null) throw failure.cause;
    },
    room() {
      if (roomier === null && (waitingChars < fullChars || failure !== null)) return null;
      roomier ??= Promise.withResolvers<void>();
      return roomier.promise;
    },
  };
}

function charsOf(event: RunEvent): number {
  if (event.kind !== 'attempt-told') return EVENT_CHARS;
  const told = event.event;
  switch (told.kind) {
    case 'collected':
      return told.nodeids.reduce((sum, nodeid) => sum + nodeid.length, EVENT_CHARS);
    case 'collect-failed':
      return EVENT_CHARS + told.message.length;
    case 'test-finished':
      return told.result.sections.reduce((sum, { text }) => sum + text.length, EVENT_CHARS + (told.result.message?.length ?? 0));
    default:
      return EVENT_CHARS;
  }
}
