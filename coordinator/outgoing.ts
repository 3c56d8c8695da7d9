// Sends a run's commands to Redis, one after the other. Decides nothing.

import type { Clock } from '../shared/clock.ts';
import type { AttemptRequest } from '../shared/domain/attempt.ts';
import type { Inbox } from './event-queue.ts';
import { refused } from './liveness-monitor.ts';
import type { RunChannel } from './ports.ts';

export interface Outgoing {
  /** Batches all requests of the same turn into one command. */
  enqueue(request: AttemptRequest): void;
  send(command: () => Promise<void>): void;
}

/** Sends commands in order without blocking the loop, which must keep seeing time pass while Redis is away. */
export function createOutgoing(channel: RunChannel, inbox: Inbox, clock: Clock): Outgoing {
  let last = Promise.resolve();
  let batch: AttemptRequest[] = [];
  const send = (command: () => Promise<void>): void => {
    last = last.then(command).catch((thrown: unknown) => refused(inbox, clock, thrown));
  };
  return {
    send,
    enqueue(request) {
      batch.push(request);
      if (batch.length > 1) return;
      send(() => {
        const requests = batch;
        batch = [];
        return channel.enqueue(requests);
      });
    },
  };
}
