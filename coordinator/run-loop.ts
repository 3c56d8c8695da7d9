// Drives one run from enqueued to closed: waits for what happens, and takes one turn after the other. Owns what the loop listens to and when
// it ends. turn.ts owns what a turn does, core makes every decision, stream-reader.ts and liveness-monitor.ts read Redis.

import { isOver } from './core/decide/run-end.ts';
import { deadlineTimes } from './core/state/deadline.ts';
import type { RunState } from './core/state/run-state.ts';
import { createInbox } from './event-queue.ts';
import { lookOut } from './liveness-monitor.ts';
import { createOutgoing } from './outgoing.ts';
import type { RunChannel } from './ports.ts';
import { readEvents, type StreamReader } from './stream-reader.ts';
import { createTurns, type TurnSetting } from './turn.ts';
import { keepUnits } from './units-keeper.ts';
import { createWakeUps } from './wake-ups.ts';

export interface RunLoop extends StreamReader, TurnSetting {
  readonly channel: RunChannel;
  /** Resolves with the reason once no agent can join any more; null if agents may join at any time. */
  readonly noAgentCanCome: Promise<string> | null;
  /** How long Redis may be silent before the run ends with the results it has. */
  readonly redisWaitMs: number;
}

/** Why the user wants the run to end: `requested` gives running tests a moment, `forced` does not wait. Reasons are signal names. */
export interface Interrupts {
  readonly requested: AbortSignal;
  readonly forced: AbortSignal;
}

/**
 * Serves an open run until it is closed and its agents have left; resolves with its final state. Rejects only with `taken-over` or for a
 * defect.
 */
export async function runLoop(loop: RunLoop, interrupts: Interrupts): Promise<RunState> {
  const { channel, clock, state } = loop;
  const inbox = createInbox();
  const over = new AbortController();
  const wakeUps = createWakeUps(inbox, clock, over.signal);
  const turns = createTurns(loop, createOutgoing(channel, inbox, clock), wakeUps);

  const { requested, forced } = interrupts;
  wakeUps.onAbort(requested, () => ({ kind: 'interrupt-requested', at: clock.now(), by: String(requested.reason) }));
  void loop.noAgentCanCome?.then((message) => inbox.push({ kind: 'no-agent-can-come', at: clock.now(), message }));
  wakeUps.onAbort(forced, () => ({ kind: 'tick', at: clock.now() }));
  const times = deadlineTimes(state.opened);
  if (times !== null) wakeUps.after(times.drainAt - clock.now());
  const units = keepUnits({ channel, state, inbox, clock }, channel.units, over.signal);
  const listening = [
    readEvents(loop, inbox, over.signal),
    units.ended,
    lookOut({ channel, state: () => state, inbox, clock, redisWaitMs: loop.redisWaitMs }, over.signal),
  ];
  try {
    turns.begin();
    wakeUps.now();
    const begunAt = clock.now();
    while (!isOver(state, begunAt, clock.now()) && !forced.aborted) {
      turns.take(await inbox.next());
      units.look();
    }
  } finally {
    over.abort();
    await Promise.all(listening);
  }
  return state;
}
