// Sends the agent's events in order, one append at a time. Events pushed during an append, or soon after it, share the next one.
// It owns batching and the limit on waiting events while Redis is away. JoinedRun owns exactly-once delivery.

import type { Clock } from '../shared/clock.ts';
import type { RunEvent, TestResult } from '../shared/domain/events.ts';
import type { CountedWarning, Shown } from '../shared/domain/shown.ts';

/** Most events in one append. It keeps a message well below the sizes that Redis and Node handle comfortably. */
const BATCH_EVENTS = 200;
/**
 * Delay between two appends. Quick tests produce hundreds of events a second, and one append for each cost agent, Redis and coordinator a
 * sixth of the processor time of a whole run (bench/speed, pandas). Hosted Redis bills each of them, too (bench/redis). The first event after a pause leaves at once.
 */
const LINGER_MS = 50;
/** Characters of test output and test names that may wait before pytest has to wait too. */
const FULL_CHARS = 64_000_000;
/** Approximate size of an event without its texts, in characters. */
const EVENT_CHARS = 300;

export interface Outbox {
  /** Queues one event and returns at once. After a failed append the outbox sends nothing more, and `flushed` rejects with the cause. */
  push(event: RunEvent): void;
  /** Sends the waiting events at once. Resolves when every event pushed before is stored. */
  flushed(): Promise<void>;
  /**
   * null while there is room. Otherwise resolves when at most half of the limit is still waiting, or when the outbox can send nothing more.
   */
  room(): Promise<void> | null;
}

export function createOutbox(
  append: (events: readonly RunEvent[]) => Promise<void>,
  clock: Pick<Clock, 'wait'>,
  fullChars: number = FULL_CHARS,
): Outbox {
  let waiting: RunEvent[] = [];
  let waitingChars = 0;
  let roomier: PromiseWithResolvers<void> | null = null;
  let sending: Promise<void> | null = null;
  let failure: { readonly cause: unknown } | null = null;
  let flushes = 0;
  let hurry = new AbortController();

  const makeRoom = (): void => {
    if (waitingChars > fullChars / 2 && failure === null) return;
    roomier?.resolve();
    roomier = null;
  };

  const linger = async (): Promise<void> => {
    if (flushes > 0 || waiting.length >= BATCH_EVENTS) return;
    hurry = new AbortController();
    // `flushed` cuts the wait short.
    await clock.wait(LINGER_MS, hurry.signal).catch(() => undefined);
  };

  const drain = async (): Promise<void> => {
    try {
      while (waiting.length > 0 && failure === null) {
        const batch = waiting.slice(0, BATCH_EVENTS);
        waiting = waiting.slice(BATCH_EVENTS);
        await append(batch);
        for (const event of batch) waitingChars -= charsOf(event);
        makeRoom();
        await linger();
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
      if (failure !== null) return;
      waiting.push(event);
      waitingChars += charsOf(event);
      sending ??= drain();
    },
    async flushed() {
      flushes += 1;
      hurry.abort();
      try {
        while (sending !== null) await sending;
      } finally {
        flushes -= 1;
      }
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
  if (event.kind === 'session-shown') return EVENT_CHARS + charsShown(event.shown);
  if (event.kind === 'session-ended') return EVENT_CHARS + (event.problem?.length ?? 0);
  if (event.kind !== 'attempt-reported') return EVENT_CHARS;
  const reported = event.event;
  switch (reported.kind) {
    case 'collected':
      return reported.nodeids.reduce((sum, nodeid) => sum + nodeid.length, EVENT_CHARS);
    case 'collect-failed':
      return EVENT_CHARS + sumOf(reported.errors, ({ nodeid, message }) => nodeid.length + message.length);
    case 'test-finished':
      return EVENT_CHARS + charsOfResult(reported.result);
    default:
      return EVENT_CHARS;
  }
}

const sumOf = <Item>(items: readonly Item[], chars: (item: Item) => number): number => items.reduce((sum, item) => sum + chars(item), 0);
const charsOfWarning = ({ message, file }: CountedWarning): number => message.length + file.length;

const charsOfResult = ({ message, sections, warnings = [], properties = [] }: TestResult): number =>
  (message?.length ?? 0) +
  sumOf(sections, ({ text }) => text.length) +
  sumOf(warnings, charsOfWarning) +
  sumOf(properties, ({ name, value }) => name.length + value.length);

const charsShown = ({ sections, warnings, deselected }: Shown): number =>
  sumOf(sections, ({ text }) => text.length) +
  sumOf(warnings, ({ warning }) => charsOfWarning(warning)) +
  sumOf(deselected, ({ file }) => file.length);
