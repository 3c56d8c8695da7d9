// Sends a run's commands to Redis, one after the other, and appends to its log there. Decides nothing.

import type { Clock } from '../shared/clock.ts';
import type { AttemptRequest } from '../shared/domain/attempt.ts';
import type { LogRecord } from '../shared/wire/run-log.ts';
import type { Inbox } from './event-queue.ts';
import { refused } from './liveness-monitor.ts';
import type { RunChannel } from './ports.ts';

export interface Outgoing {
  /** Batches all requests of the same turn into one command. */
  enqueue(request: AttemptRequest): void;
  send(command: () => Promise<void>): void;
  /** Appends to the log in Redis, if there is one, before any command that is not sent yet. */
  record(records: readonly LogRecord[]): void;
}

/** Sends commands in order without blocking the loop, which must keep seeing time pass while Redis is away. */
export function createOutgoing(channel: RunChannel, inbox: Inbox, clock: Clock): Outgoing {
  const { log } = channel;
  let last = Promise.resolve();
  let batch: AttemptRequest[] = [];
  let records: LogRecord[] = [];
  /** Log before acting: a coordinator that takes over finds in the log everything that this one has caused. */
  const append = async (): Promise<void> => {
    const appended = records;
    records = [];
    if (log !== null && appended.length > 0) await log.append(appended);
  };
  const send = (command: () => Promise<void>): void => {
    last = last
      .then(append)
      .then(command)
      .catch((thrown: unknown) => refused(inbox, clock, thrown));
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
    record(added) {
      if (log === null || added.length === 0) return;
      const isIdle = records.length === 0;
      for (const record of added) records.push(record);
      // Records that come while others wait, for a reply or for Redis, go with those.
      if (isIdle) send(async () => undefined);
    },
  };
}
