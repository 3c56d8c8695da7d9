// The one clock of a simulation. Time does not advance while code runs, and jumps to the next timer when all code waits.
//
// How it knows that all code waits: production code and the model wait only for promises that a timer of this clock settles, directly or through other
// promises. After a timer has fired, everything that follows from it is in Node's microtask queue, and everything that follows from that is added to the
// same queue. Node runs a callback of setImmediate only when the queue is empty, so such a callback is the moment at which nothing can happen any more
// without another timer. `play` awaits that moment before it fires the next timer: a chain of promises of any length takes no virtual time. Timers of
// one instant fire in the order they were asked for. Nothing else decides an order, so the same seed plays the same run.
//
// This requires that neither loop reads a clock, waits for a real timer, or does I/O (checked in loops.test.ts).

import type { Schedule } from '../fakes/redis/process.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  run: (() => void) | null;
}

export interface VirtualTime extends Schedule {
  /** Called before code runs that may wait for promises: the microtask queue must then be empty before time advances. */
  touch(): void;
  /** Fires timers until `isOver`, until `until`, or until none is left; resolves with whether it was over. */
  play(isOver: () => boolean, until: number): Promise<boolean>;
}

const drained = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function virtualTime(startsAt: number): VirtualTime {
  const heap: Timer[] = [];
  let now = startsAt;
  let orders = 0;
  let isTouched = true;

  return {
    now: () => now,
    after(ms, run) {
      const timer: Timer = { at: now + Math.max(0, ms), order: orders++, run };
      push(heap, timer);
      return () => {
        timer.run = null;
      };
    },
    touch() {
      isTouched = true;
    },
    async play(isOver, until) {
      for (;;) {
        if (isTouched) {
          isTouched = false;
          await drained();
          if (isOver()) return true;
        }
        const timer = pop(heap);
        if (timer === null) return isOver();
        if (timer.run === null) continue;
        if (timer.at > until) {
          push(heap, timer);
          return isOver();
        }
        now = timer.at;
        timer.run();
      }
    },
  };
}

const isBefore = (one: Timer, other: Timer): boolean => one.at < other.at || (one.at === other.at && one.order < other.order);

/** A binary heap: the parent of the timer at `index` is at `(index - 1) >> 1`. */
function push(heap: Timer[], timer: Timer): void {
  let index = heap.length;
  heap.push(timer);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(timer, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = timer;
}

function pop(heap: Timer[]): Timer | null {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined) return null;
  if (heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const [one, other] = [heap[left], heap[left + 1]];
    if (one === undefined) break;
    const child = other !== undefined && isBefore(other, one) ? left + 1 : left;
    const below = heap[child];
    if (below === undefined || !isBefore(below, last)) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
  return first;
}
