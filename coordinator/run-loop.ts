// One run from enqueued to closed: what happens arrives in the inbox, is told to the observers, changes the state, and what follows is done.
// Every decision is core's. This file owns the order of things, and how long a closed run waits for its agents; liveness-monitor.ts watches Redis.

import { assertNever } from '../shared/assert-never.ts';
import type { Clock } from '../shared/clock.ts';
import type { AttemptRequest } from '../shared/domain/attempt.ts';
import type { SuiteList } from '../shared/domain/suite-list.ts';
import { ShardlineError } from '../shared/errors.ts';
import { inTimeOf } from '../shared/wire/agreed-time.ts';
import type { Action } from './core/decide/actions.ts';
import { nextAttempt } from './core/decide/attempt-request.ts';
import { decide } from './core/decide/decide.ts';
import { dueForecast } from './core/decide/forecast.ts';
import { halve } from './core/decide/isolate-crash.ts';
import { whyDismissed } from './core/result/agent-end.ts';
import { type Change, callsForDecision } from './core/state/changes.ts';
import { unplannedList } from './core/state/collection/suite.ts';
import { deadlineTimes } from './core/state/deadline.ts';
import type { CoordinatorEvent } from './core/state/events.ts';
import { reduce } from './core/state/reduce.ts';
import type { Recorded } from './core/state/replay.ts';
import { livingAgents, type RunState } from './core/state/run-state.ts';
import { createInbox, type Inbox } from './event-queue.ts';
import { lookOut, passes, refused } from './liveness-monitor.ts';
import type { RunChannel } from './ports.ts';

/** How long a run that is done waits for its agents: the last teardowns of their sessions may fail yet. A lost agent is not waited for. */
const FAREWELL_MS = 40_000;
/** How long a stopped run waits for the results of what is being interrupted. */
const INTERRUPT_MS = 10_000;

/** Actions after which there is something else to decide: shards are new, or due again. */
const FOLLOWED: ReadonlySet<Action['kind']> = new Set(['plan-suite', 'split-shard', 'give-up-shard', 'dismiss-agent']);

export interface RunLoop {
  readonly channel: RunChannel;
  /** A run of which nothing happened yet but its opening, or one that was recorded. */
  readonly state: RunState;
  /** Up to where its events are recorded; null for a new run. */
  readonly recorded: Pick<Recorded, 'position' | 'readAhead'> | null;
  readonly clock: Clock;
  /** By how much the clock that agents tell times by is ahead of ours. */
  readonly aheadMs: number;
  /** Called with every event, in order, before it changes anything. */
  readonly record: (event: CoordinatorEvent) => void;
  /** Called with every event, in order, with the state after it and what it changed. */
  readonly observe: (event: CoordinatorEvent, state: RunState, changes: readonly Change[]) => void;
  /** Is it still to be shown whether this suite may be collected by file? */
  readonly proves: boolean;
  /** What the whole list loaded, as an earlier run has shown; for a run by file. */
  readonly modules: readonly string[];
  /** Are they loaded before anything is collected? */
  readonly preloads: boolean;
  /** The shards of a whole list, the first of them `s<first>`. */
  readonly planSuite: (list: SuiteList, first: number) => SuitePlan;
  /** Resolves with the reason once no agent can join any more; null where agents may always come. */
  readonly noAgentCanCome: Promise<string> | null;
  /** How long Redis may be silent before the run ends with what it has. */
  readonly redisWaitMs: number;
}

export type SuitePlan = Pick<Extract<CoordinatorEvent, { kind: 'suite-planned' }>, 'shards' | 'failureChances'>;

/** Why the user wants the run to end: `requested` keeps what is running for a moment, `forced` does not wait. Reasons are signal names. */
export interface Interrupts {
  readonly requested: AbortSignal;
  readonly forced: AbortSignal;
}

/** Serves an open run until it is closed and its agents have left; resolves with all that is known of it. Rejects with `taken-over`, else only for a defect. */
export async function runLoop(loop: RunLoop, interrupts: Interrupts): Promise<RunState> {
  const { channel, clock, state } = loop;
  const { opened } = loop.state;
  const inbox = createInbox();
  const over = new AbortController();
  const outgoing = createOutgoing(channel, inbox, clock);

  /** May anything follow from what changed since the last decision? */
  let isDecisionDue = true;
  const { collect } = opened.spec;
  /** Agents wait for it before they collect anything. */
  const sayHow = (): void => {
    if (collect !== 'auto')
      outgoing.send(() =>
        channel.tell({ kind: 'collect', how: { mode: collect, proves: loop.proves, modules: loop.modules, preloads: loop.preloads } }),
      );
  };
  const take = (event: CoordinatorEvent): void => {
    loop.record(event);
    const changes = reduce(state, event);
    if (callsForDecision(changes)) isDecisionDue = true;
    loop.observe(event, state, changes);
    if (event.kind !== 'redis-emptied') return;
    outgoing.send(() => channel.announce());
    sayHow();
  };

  const act = (action: Action): void => {
    const at = clock.now();
    switch (action.kind) {
      case 'start-attempt': {
        const request = nextAttempt(state, action.shard, action.role);
        if (request === null)
          throw new ShardlineError('internal', { problem: `an attempt of the unknown shard ${action.shard} was decided` });
        const { id, shard, fence, role, selectors } = request;
        take({ kind: 'attempt-enqueued', at, attempt: id, shard, fence, role, selectors });
        outgoing.enqueue(request);
        break;
      }
      case 'plan-suite': {
        const list = unplannedList(state);
        if (list === null) throw new ShardlineError('internal', { problem: 'a suite was to be planned before its list came' });
        const first = state.suite.failureChances === null ? 1 : state.shards.size + 1;
        take({ kind: 'suite-planned', at, ...loop.planSuite(list, first) });
        const { hash } = list;
        outgoing.send(() => channel.tell({ kind: 'list-known', hash }));
        break;
      }
      case 'cancel-attempt':
        take({ kind: 'attempt-cancelled', at, attempt: action.attempt, by: action.by });
        outgoing.send(() => channel.tell({ kind: 'cancel-attempt', attempt: action.attempt, by: action.by }));
        break;
      case 'close-run': {
        take({ kind: 'run-closed', at, why: action.why });
        const by = action.why.kind === 'done' ? 'done' : action.why.by;
        outgoing.send(() => channel.tell({ kind: 'close-run', by }));
        wakeAfter(graceMs(action.why.kind), inbox, clock, over.signal);
        const times = deadlineTimes(opened);
        if (times !== null) wakeAfter(times.mergeAt - at, inbox, clock, over.signal);
        break;
      }
      case 'dismiss-agent': {
        const problem = whyDismissed(state, action.agent, action.why);
        take({ kind: 'agent-dismissed', at, agent: action.agent, why: action.why });
        outgoing.send(() => channel.tell({ kind: 'dismiss-agent', agent: action.agent, problem }));
        break;
      }
      case 'give-up-shard':
        take({ kind: 'shard-given-up', at, shard: action.shard, why: action.why });
        break;
      case 'split-shard':
        take({ kind: 'shard-split', at, shard: action.shard, into: halve(state, action.shard) });
        break;
      default:
        assertNever(action);
    }
  };

  onAbort(interrupts.requested, over.signal, () =>
    inbox.push({ kind: 'interrupt-requested', at: clock.now(), by: String(interrupts.requested.reason) }),
  );
  void loop.noAgentCanCome?.then((message) => inbox.push({ kind: 'no-agent-can-come', at: clock.now(), message }));
  onAbort(interrupts.forced, over.signal, () => inbox.push({ kind: 'tick', at: clock.now() }));
  const times = deadlineTimes(opened);
  if (times !== null) wakeAfter(times.drainAt - clock.now(), inbox, clock, over.signal);
  const listening = [
    listen(loop, inbox, over.signal),
    lookOut({ channel, state: () => state, inbox, clock, redisWaitMs: loop.redisWaitMs }, over.signal),
  ];
  try {
    if (loop.recorded === null) take(opened);
    else take({ kind: 'run-resumed', at: clock.now() });
    sayHow();
    // Its Redis is another one, or was emptied before anybody saw it.
    if (loop.recorded !== null && !channel.isFound) take({ kind: 'redis-emptied', at: clock.now(), isMissing: true });
    inbox.push({ kind: 'tick', at: clock.now() });
    const begunAt = clock.now();
    while (!isOver(state, begunAt, clock.now()) && !interrupts.forced.aborted) {
      for (const event of await inbox.next()) take(event);
      if (!isDecisionDue) continue;
      isDecisionDue = false;
      const actions = decide(state);
      for (const action of actions) act(action);
      // What follows from these is decided next, and not when something is heard again.
      if (actions.some(({ kind }) => FOLLOWED.has(kind))) inbox.push({ kind: 'tick', at: clock.now() });
      const forecast = dueForecast(state);
      if (forecast !== null) take({ kind: 'forecast', at: clock.now(), ...forecast });
    }
  } finally {
    over.abort();
    await Promise.all(listening);
  }
  return state;
}

/** Is the run closed, and is nothing more to be waited for? A run that was closed by another coordinator is heard to its end by this one. */
function isOver(state: RunState, begunAt: number, now: number): boolean {
  if (state.closed === null) return false;
  const times = deadlineTimes(state.opened);
  if (times !== null && now >= times.mergeAt) return true;
  if (state.redisLost || livingAgents(state).length === 0) return true;
  return now - Math.max(state.closed.at, begunAt) >= graceMs(state.closed.why.kind);
}

const graceMs = (why: 'done' | 'stopped'): number => (why === 'done' ? FAREWELL_MS : INTERRUPT_MS);

interface Outgoing {
  /** Enqueues together with all that is enqueued in the same turn. */
  enqueue(request: AttemptRequest): void;
  send(command: () => Promise<void>): void;
}

/** Commands leave in order, and the loop never waits for them: while Redis is away it must still see time pass. */
function createOutgoing(channel: RunChannel, inbox: Inbox, clock: Clock): Outgoing {
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

async function listen({ channel, recorded, clock, aheadMs }: RunLoop, inbox: Inbox, over: AbortSignal): Promise<void> {
  let known = channel.isFound ? (recorded?.readAhead ?? 0) : 0;
  try {
    for await (const batch of channel.events(channel.isFound ? (recorded?.position ?? '0') : '0', over)) {
      for (const { position, events } of batch) {
        inbox.push(...events.slice(known).map((event) => inTimeOf(event, -aheadMs)), { kind: 'stream-read', at: clock.now(), position });
        known = Math.max(0, known - events.length);
      }
    }
  } catch (thrown) {
    if (!over.aborted) refused(inbox, clock, thrown);
  }
}

function wakeAfter(ms: number, inbox: Inbox, clock: Clock, over: AbortSignal): void {
  void passes(Math.max(0, ms), clock, over).then((passed) => {
    if (passed) inbox.push({ kind: 'tick', at: clock.now() });
  });
}

function onAbort(signal: AbortSignal, over: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true, signal: over });
}
