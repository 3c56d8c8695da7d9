// The agent's way out: events leave in order, one append at a time; what is told while one is under way, or soon after, goes with the next.
// It owns batching and how much may wait while Redis is away; exactly-once is the JoinedRun's.

import type { Clock } from '../shared/clock.ts';
import type { RunEvent, TestResult } from '../shared/domain/events.ts';
import type { CountedWarning, Shown } from '../shared/domain/shown.ts';

/** How many events one append carries at most, so that one message stays well below Redis's and Node's comfortable sizes. */
const BATCH_EVENTS = 200;
/**
 * How long after an append the next one is held back: quick tests tell hundreds of events a second, and an append for each cost agent, Redis and
 * coordinator a sixth of the processor time of a whole run (bench/speed, pandas). What is told after a silence leaves at once.
 */
const LINGER_MS = 20;
/** How much may wait, in characters of what tests printed and of their names, before pytest is to wait too. */
const FULL_CHARS = 64_000_000;
/** What an event takes besides its texts, about. */
const EVENT_CHARS = 300;

export interface Outbox {
  /** Queues one event; returns at once. After a failed append nothing more is sent and `flushed` rejects with its cause. */
  push(event: RunEvent): void;
  /** Sends what waits and resolves when everything pushed so far is stored. */
  flushed(): Promise<void>;
  /** null while there is room; else resolves when half of what waits has left, or nothing more will leave. */
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
    // Cut short by whoever flushes.
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
  if (event.kind !== 'attempt-told') return EVENT_CHARS;
  const told = event.event;
  switch (told.kind) {
    case 'collected':
      return told.nodeids.reduce((sum, nodeid) => sum + nodeid.length, EVENT_CHARS);
    case 'collect-failed':
      return EVENT_CHARS + sumOf(told.errors, ({ nodeid, message }) => nodeid.length + message.length);
    case 'test-finished':
      return EVENT_CHARS + charsOfResult(told.result);
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
