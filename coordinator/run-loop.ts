// Drives one run from enqueued to closed: takes each event from the inbox, records it, reduces it, and carries out what `decide` returns.
// Owns the order of these steps. core makes every decision, run-actions.ts acts, stream-reader.ts and liveness-monitor.ts read Redis.

import { decide } from './core/decide/decide.ts';
import { dueForecast } from './core/decide/forecast.ts';
import { isOver } from './core/decide/run-end.ts';
import { callsForDecision } from './core/state/changes.ts';
import { deadlineTimes } from './core/state/deadline.ts';
import type { CoordinatorEvent } from './core/state/events.ts';
import { reduce } from './core/state/reduce.ts';
import type { RunState } from './core/state/run-state.ts';
import { createInbox } from './event-queue.ts';
import { lookOut } from './liveness-monitor.ts';
import { createOutgoing, type Outgoing } from './outgoing.ts';
import { type Acting, act, isFollowed } from './run-actions.ts';
import type { RunObserver } from './run-observer.ts';
import { readEvents, type StreamReader } from './stream-reader.ts';
import { createWakeUps } from './wake-ups.ts';

export interface RunLoop extends StreamReader {
  /** A run that was only opened, or one that was replayed from its journal. */
  readonly state: RunState;
  /** Called with every event, in order, before it changes anything. */
  readonly record: (event: CoordinatorEvent) => void;
  readonly observe: RunObserver['observe'];
  /** True while no run has shown yet that this suite can be collected by file. */
  readonly proves: boolean;
  /** Modules that collecting the whole list loaded in an earlier run; for a run by file. */
  readonly modules: readonly string[];
  /** True if agents import `modules` before they collect anything. */
  readonly preloads: boolean;
  readonly planSuite: Acting['planSuite'];
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
  const { channel, clock, state, planSuite } = loop;
  const inbox = createInbox();
  const over = new AbortController();
  const outgoing = createOutgoing(channel, inbox, clock);
  const wakeUps = createWakeUps(inbox, clock, over.signal);

  /** True if an event since the last decision can change a decision. */
  let isDecisionDue = true;
  const take = (event: CoordinatorEvent): void => {
    if (apply(loop, event)) isDecisionDue = true;
    if (event.kind === 'redis-emptied') announceAgain(loop, outgoing);
  };
  const acting: Acting = { state, channel, outgoing, wakeUps, take, planSuite };

  const { requested, forced } = interrupts;
  wakeUps.onAbort(requested, () => ({ kind: 'interrupt-requested', at: clock.now(), by: String(requested.reason) }));
  void loop.noAgentCanCome?.then((message) => inbox.push({ kind: 'no-agent-can-come', at: clock.now(), message }));
  wakeUps.onAbort(forced, () => ({ kind: 'tick', at: clock.now() }));
  const times = deadlineTimes(state.opened);
  if (times !== null) wakeUps.after(times.drainAt - clock.now());
  const listening = [
    readEvents(loop, inbox, over.signal),
    lookOut({ channel, state: () => state, inbox, clock, redisWaitMs: loop.redisWaitMs }, over.signal),
  ];
  try {
    begin(loop, take, outgoing);
    wakeUps.now();
    const begunAt = clock.now();
    while (!isOver(state, begunAt, clock.now()) && !forced.aborted) {
      for (const event of await inbox.next()) take(event);
      if (!isDecisionDue) continue;
      isDecisionDue = false;
      const actions = decide(state);
      for (const action of actions) act(acting, action, clock.now());
      // Decide about the consequences now instead of waiting for the next event.
      if (actions.some(isFollowed)) wakeUps.now();
      const forecast = dueForecast(state);
      if (forecast !== null) take({ kind: 'forecast', at: clock.now(), ...forecast });
    }
  } finally {
    over.abort();
    await Promise.all(listening);
  }
  return state;
}

/** Records the event, then applies it; true if it calls for a decision. */
function apply({ state, record, observe }: RunLoop, event: CoordinatorEvent): boolean {
  record(event);
  const changes = reduce(state, event);
  observe(event, state, changes);
  return callsForDecision(changes);
}

/** Takes the first event of a run, or the first after a resumption, and sends how to collect. */
function begin(loop: RunLoop, take: (event: CoordinatorEvent) => void, outgoing: Outgoing): void {
  const { channel, recorded, clock, state } = loop;
  take(recorded === null ? state.opened : { kind: 'run-resumed', at: clock.now() });
  sendHow(loop, outgoing);
  // The run was resumed on another Redis, or Redis was emptied while no coordinator was watching.
  if (recorded !== null && !channel.isFound) take({ kind: 'redis-emptied', at: clock.now(), isMissing: true });
}

function announceAgain(loop: RunLoop, outgoing: Outgoing): void {
  outgoing.send(() => loop.channel.announce());
  sendHow(loop, outgoing);
}

/** Sends how to collect; agents wait for this before they collect anything. */
function sendHow({ channel, state, proves, modules, preloads }: RunLoop, outgoing: Outgoing): void {
  const { collect: mode } = state.opened.spec;
  if (mode !== 'auto') outgoing.send(() => channel.tell({ kind: 'collect', how: { mode, proves, modules, preloads } }));
}
