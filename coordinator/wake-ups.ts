// Wakes the run loop at a time, or when a signal aborts. The loop decides what follows.

import type { Clock } from '../shared/clock.ts';
import type { OwnEvent } from './core/state/events.ts';
import type { Inbox } from './event-queue.ts';
import { passes } from './liveness-monitor.ts';

export interface WakeUps {
  /** Wakes the loop after the events that are queued already. */
  now(): void;
  /** Wakes the loop after `ms`; at once if that is negative. */
  after(ms: number): void;
  /** Queues the event once the signal aborts; at once if it has. */
  onAbort(signal: AbortSignal, event: () => OwnEvent): void;
}

/** Nothing wakes the loop any more once `over` aborts. */
export function createWakeUps(inbox: Inbox, clock: Clock, over: AbortSignal): WakeUps {
  const now = (): void => inbox.push({ kind: 'tick', at: clock.now() });
  return {
    now,
    after(ms) {
      void passes(Math.max(0, ms), clock, over).then((passed) => {
        if (passed) now();
      });
    },
    onAbort(signal, event) {
      const listener = (): void => inbox.push(event());
      if (signal.aborted) listener();
      else signal.addEventListener('abort', listener, { once: true, signal: over });
    },
  };
}
