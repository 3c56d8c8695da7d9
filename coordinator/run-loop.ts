// Drives one run from enqueued to closed: takes each event from the inbox, records it, reduces it, and carries out what `decide` returns.
// Owns the order of these steps and how long a closed run waits for its agents. core makes every decision; liveness-monitor.ts polls Redis.

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

/** How long a completed run waits for agents other than lost ones: the last teardowns of their sessions may still fail. */
const FAREWELL_MS = 40_000;
/** How long a stopped run waits for the results of interrupted attempts. */
const INTERRUPT_MS = 10_000;

/** Actions that call for another decision at once: they add shards or make shards due again. */
const FOLLOWED: ReadonlySet<Action['kind']> = new Set(['plan-suite', 'split-shard', 'give-up-shard', 'dismiss-agent']);

export interface RunLoop {
  readonly channel: RunChannel;
  /** A run that was only opened, or one that was replayed from its journal. */
  readonly state: RunState;
  /** How far the run's events are recorded; null for a new run. */
  readonly recorded: Pick<Recorded, 'position' | 'readAhead'> | null;
  readonly clock: Clock;
  /** How far the agents' agreed clock is ahead of ours, in milliseconds. */
  readonly aheadMs: number;
  /** Called with every event, in order, before it changes anything. */
  readonly record: (event: CoordinatorEvent) => void;
  /** Called with every event, in order, with the state after it and what it changed. */
  readonly observe: (event: CoordinatorEvent, state: RunState, changes: readonly Change[]) => void;
  /** True while no run has shown yet that this suite can be collected by file. */
  readonly proves: boolean;
  /** Modules that collecting the whole list loaded in an earlier run; for a run by file. */
  readonly modules: readonly string[];
  /** True if agents import `modules` before they collect anything. */
  readonly preloads: boolean;
  /** Plans the shards of a whole list; the first one is `s<first>`. */
  readonly planSuite: (list: SuiteList, first: number) => SuitePlan;
  /** Resolves with the reason once no agent can join any more; null if agents may join at any time. */
  readonly noAgentCanCome: Promise<string> | null;
  /** How long Redis may be silent before the run ends with the results it has. */
  readonly redisWaitMs: number;
}

export type SuitePlan = Pick<Extract<CoordinatorEvent, { kind: 'suite-planned' }>, 'shards' | 'failureChances'>;

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
  const { opened } = loop.state;
  const inbox = createInbox();
  const over = new AbortController();
  const outgoing = createOutgoing(channel, inbox, clock);

  /** True if an event since the last decision can change a decision. */
  let isDecisionDue = true;
  const { collect } = opened.spec;
  /** Sends how to collect; agents wait for this before they collect anything. */
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
    // The run was resumed on another Redis, or Redis was emptied while no coordinator was watching.
    if (loop.recorded !== null && !channel.isFound) take({ kind: 'redis-emptied', at: clock.now(), isMissing: true });
    inbox.push({ kind: 'tick', at: clock.now() });
    const begunAt = clock.now();
    while (!isOver(state, begunAt, clock.now()) && !interrupts.forced.aborted) {
      for (const event of await inbox.next()) take(event);
      if (!isDecisionDue) continue;
      isDecisionDue = false;
      const actions = decide(state);
      for (const action of actions) act(action);
      // Decide about the consequences now instead of waiting for the next event.
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

/**
 * True if the run is closed and there is nothing left to wait for. If an earlier coordinator closed the run, the wait restarts now: its
 * last events may still arrive.
 */
function isOver(state: RunState, begunAt: number, now: number): boolean {
  if (state.closed === null) return false;
  const times = deadlineTimes(state.opened);
  if (times !== null && now >= times.mergeAt) return true;
  if (state.redisLost || livingAgents(state).length === 0) return true;
  return now - Math.max(state.closed.at, begunAt) >= graceMs(state.closed.why.kind);
}

const graceMs = (why: 'done' | 'stopped'): number => (why === 'done' ? FAREWELL_MS : INTERRUPT_MS);

interface Outgoing {
  /** Batches all requests of the same turn into one command. */
  enqueue(request: AttemptRequest): void;
  send(command: () => Promise<void>): void;
}

/** Sends commands in order without blocking the loop, which must keep seeing time pass while Redis is away. */
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
