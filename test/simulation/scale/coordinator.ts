// The coordinator of a run at scale: the production turns over a fleet that is data. Measures the processor time of each turn.

import type { RunOpened } from '../../../coordinator/core/state/events.ts';
import { openRun, type RunState } from '../../../coordinator/core/state/run-state.ts';
import type { Incoming } from '../../../coordinator/event-queue.ts';
import { createTurns } from '../../../coordinator/turn.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import type { AgentId } from '../../../shared/domain/ids.ts';
import type { VirtualTime } from '../virtual-time.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { spentSeconds } from './measure.ts';
import type { ScaleTruth } from './scenario.ts';

/** From an event to the turn that takes it: an agent's outbox waits this long for more. */
const LINGER_MS = 50;
const TICK_MS = 1000;
/** From the death of an agent to the event of its loss: production takes 0.8 s, and looks each second. */
const LOSS_MS = 1500;

export interface ScaleRun {
  readonly state: RunState;
  readonly fleet: Fleet;
  /** Processor time of all turns. */
  readonly seconds: () => number;
  readonly events: () => number;
  /** Plays until the run is closed and all agents have left. */
  play(): Promise<void>;
}

/** A run that is not over after this time never ends. */
const PATIENCE_MS = 24 * 3600 * 1000;

export function createScaleRun(opening: RunOpened, truth: ScaleTruth, time: VirtualTime): ScaleRun {
  let seconds = 0;
  let events = 0;
  const timed = <Value>(work: () => Value): Value => {
    const before = spentSeconds();
    const value = work();
    seconds += spentSeconds() - before;
    return value;
  };
  const state = timed(() => openRun(opening));
  let incoming: Incoming[] = [];
  let batches = new Map<AgentId, RunEvent[]>();
  let isTurnDue = false;

  const turnSoon = (): void => {
    if (isTurnDue) return;
    isTurnDue = true;
    time.after(LINGER_MS, takeTurn);
  };
  const push = (event: Incoming): void => {
    incoming.push(event);
    turnSoon();
  };
  const fleet = createFleet(truth, time, {
    report(agent, event) {
      const batch = batches.get(agent);
      if (batch === undefined) batches.set(agent, [event]);
      else batch.push(event);
      turnSoon();
    },
    died: (agent) => void time.after(LOSS_MS, () => push({ kind: 'agent-lost', at: time.now(), agent })),
  });
  const turns = createTurns(
    {
      channel: { isFound: true, announce: async () => undefined, send: async (command) => fleet.command(command) },
      clock: { now: time.now, wait: () => Promise.reject(new Error('a turn waits for nothing')) },
      state,
      recorded: null,
      recorder: { add: () => undefined, addEntry: () => undefined, flush: () => [] },
      observe: () => undefined,
      proves: false,
      planSuite: () => {
        throw new Error('no run at scale collects the whole list');
      },
    },
    { enqueue: fleet.enqueue, send: (command) => void command(), record: () => undefined },
    {
      now: () => push({ kind: 'tick', at: time.now() }),
      after: (ms) => void time.after(ms, () => push({ kind: 'tick', at: time.now() })),
      onAbort: () => undefined,
    },
  );
  const takeTurn = (): void => {
    isTurnDue = false;
    const at = time.now();
    const entries = [...batches.values()].map((batch): Incoming => {
      events += batch.length;
      return { kind: 'stream-entry', text: '', events: batch, read: { kind: 'stream-read', at, position: `${events}-0`, aheadMs: 0 } };
    });
    const taken = [...incoming, ...entries];
    incoming = [];
    batches = new Map();
    timed(() => turns.take(taken));
    if (state.closed !== null) time.touch();
  };
  const tick = (): void => {
    if (state.closed !== null) return;
    push({ kind: 'tick', at: time.now() });
    time.after(TICK_MS, tick);
  };

  return {
    state,
    fleet,
    seconds: () => seconds,
    events: () => events,
    async play() {
      timed(() => turns.begin());
      fleet.begin();
      tick();
      const isClosed = await time.play(() => state.closed !== null, time.now() + PATIENCE_MS);
      if (!isClosed) throw new Error('the run did not end');
      fleet.leave();
      await time.play(() => false, time.now() + LINGER_MS);
    },
  };
}
