// Reads the events that agents wrote to a run's stream into the queue of the run loop.

import type { Clock } from '../shared/clock.ts';
import { inTimeOf } from '../shared/wire/agreed-time.ts';
import type { Recorded } from './core/state/replay.ts';
import type { Inbox } from './event-queue.ts';
import { refused } from './liveness-monitor.ts';
import type { RunChannel } from './ports.ts';

export interface StreamReader {
  readonly channel: RunChannel;
  /** How far the run's events are recorded; null for a new run. */
  readonly recorded: Pick<Recorded, 'position'> | null;
  readonly clock: Clock;
  /** How far the agents' agreed clock is ahead of ours, in milliseconds. */
  readonly aheadMs: number;
}

/** Reads until `over` aborts, from where the record of the run ends. A stream that Redis has lost is read from its start. */
export async function readEvents({ channel, recorded, clock, aheadMs }: StreamReader, inbox: Inbox, over: AbortSignal): Promise<void> {
  try {
    for await (const batch of channel.events(channel.isFound ? (recorded?.position ?? '0') : '0', over)) {
      for (const entry of batch) {
        if (entry.kind === 'unreadable') {
          const { kind: _, ...rejected } = entry;
          inbox.push({ kind: 'message-rejected', at: clock.now(), ...rejected });
          continue;
        }
        const { position, text, events, from } = entry;
        const read = { kind: 'stream-read', at: clock.now(), position, aheadMs, ...(from === undefined ? {} : { from }) } as const;
        inbox.push({ kind: 'stream-entry', text, events: events.map((event) => inTimeOf(event, -aheadMs)), read });
      }
    }
  } catch (thrown) {
    if (!over.aborted) refused(inbox, clock, thrown);
  }
}
