// One turn of the run loop: takes what happened, records and reduces it, then decides and acts.
//
// Log before acting: `outgoing` sends nothing before the code of a turn has returned. By then the whole turn is in the file, and `outgoing`
// appends it to the log in Redis before it sends anything else.

import type { Clock } from '../shared/clock.ts';
import { decide } from './core/decide/decide.ts';
import { dueForecast } from './core/decide/forecast.ts';
import { isRepeated } from './core/state/agents/batch-numbers.ts';
import { callsForDecision } from './core/state/changes.ts';
import type { CoordinatorEvent, OwnEvent } from './core/state/events.ts';
import { reduce } from './core/state/reduce.ts';
import type { Recorded } from './core/state/replay.ts';
import type { RunState } from './core/state/run-state.ts';
import type { Incoming } from './event-queue.ts';
import type { Outgoing } from './outgoing.ts';
import type { Recorder, RunChannel } from './ports.ts';
import { type Acting, act, isFollowed } from './run-actions.ts';
import type { RunObserver } from './run-observer.ts';
import type { WakeUps } from './wake-ups.ts';

/** The run that takes turns. */
export interface TurnSetting {
  readonly channel: Pick<RunChannel, 'send' | 'announce' | 'isFound'>;
  readonly clock: Clock;
  /** A run that was only opened, or one that was replayed from its log. */
  readonly state: RunState;
  /** How far the run is recorded; null for a new run. */
  readonly recorded: Pick<Recorded, 'position'> | null;
  readonly recorder: Recorder;
  readonly observe: RunObserver['observe'];
  /** True while no run has shown yet that this suite can be collected by file. */
  readonly proves: boolean;
  readonly planSuite: Acting['planSuite'];
}

export interface Turns {
  /** Takes the first event of a run, or the first after a resumption, and sends how to collect. */
  begin(): void;
  /** Takes what happened, and acts on it. */
  take(incoming: readonly Incoming[]): void;
}

export function createTurns(setting: TurnSetting, outgoing: Outgoing, wakeUps: WakeUps): Turns {
  const { channel, clock, state, recorded, recorder, planSuite } = setting;
  /** True if an event since the last decision can change a decision. */
  let isDecisionDue = true;

  const apply = (event: CoordinatorEvent): void => {
    const changes = reduce(state, event);
    setting.observe(event, state, changes);
    if (callsForDecision(changes)) isDecisionDue = true;
  };
  const take = (event: OwnEvent): void => {
    recorder.add(event);
    apply(event);
    if (event.kind === 'redis-emptied') announceAgain(setting, outgoing);
  };
  const takeIncoming = (incoming: Incoming): void => {
    const numbered = incoming.kind === 'stream-entry' ? incoming.read : incoming.kind === 'message-rejected' ? incoming : null;
    if (numbered?.from !== undefined && isRepeated(state, numbered.from)) {
      const { at, position, from } = numbered;
      take({ kind: 'message-rejected', at, position, agent: from.agent, why: 'repeated', problem: `it repeats message ${from.seq}` });
      return;
    }
    if (incoming.kind !== 'stream-entry') {
      take(incoming);
      return;
    }
    recorder.addEntry(incoming);
    for (const event of incoming.events) apply(event);
    apply(incoming.read);
  };
  const acting: Acting = { state, channel, outgoing, wakeUps, take, planSuite };
  const decideAndAct = (): void => {
    isDecisionDue = false;
    const actions = decide(state);
    for (const action of actions) act(acting, action, clock.now());
    // Decide about the consequences now instead of waiting for the next event.
    if (actions.some(isFollowed)) wakeUps.now();
    const forecast = dueForecast(state);
    if (forecast !== null) take({ kind: 'forecast', at: clock.now(), ...forecast });
  };
  const recording = (work: () => void): void => {
    try {
      work();
    } finally {
      outgoing.record(recorder.flush());
    }
  };

  return {
    begin: () =>
      recording(() => {
        take(recorded === null ? state.opened : { kind: 'run-resumed', at: clock.now() });
        sendHow(setting, outgoing);
        // The run was resumed on another Redis, or Redis was emptied while no coordinator was watching.
        if (recorded !== null && !channel.isFound) take({ kind: 'redis-emptied', at: clock.now(), isMissing: true });
      }),
    take: (incoming) =>
      recording(() => {
        for (const each of incoming) takeIncoming(each);
        if (isDecisionDue) decideAndAct();
      }),
  };
}

function announceAgain(setting: TurnSetting, outgoing: Outgoing): void {
  outgoing.send(() => setting.channel.announce());
  sendHow(setting, outgoing);
}

/** Sends how to collect; agents wait for this before they collect anything. */
function sendHow({ channel, state, proves }: TurnSetting, outgoing: Outgoing): void {
  const { spec, companions, loads } = state.opened;
  const mode = spec.collect;
  if (mode !== 'auto') outgoing.send(() => channel.send({ kind: 'collect', how: { mode, proves, companions, loads } }));
}
