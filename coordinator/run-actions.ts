// Carries out what `decide` returns: records each action as an event, then sends what agents must do.

import { assertNever } from '../shared/assert-never.ts';
import type { SuiteList } from '../shared/domain/suite/suite-list.ts';
import { ShardlineError } from '../shared/errors.ts';
import type { Action } from './core/decide/actions.ts';
import { nextAttempt } from './core/decide/attempt-request.ts';
import { halve } from './core/decide/isolate-crash.ts';
import { divideByNeeds } from './core/decide/needs/split-by-needs.ts';
import { graceMs } from './core/decide/run-end.ts';
import { whyDismissed } from './core/result/agent-end.ts';
import { unplannedList } from './core/state/collection/suite.ts';
import { deadlineTimes } from './core/state/deadline.ts';
import type { OwnEvent, SuitePlan } from './core/state/events.ts';
import type { RunState } from './core/state/run-state.ts';
import type { Outgoing } from './outgoing.ts';
import type { RunChannel } from './ports.ts';
import type { WakeUps } from './wake-ups.ts';

/** What acting needs of the run loop. */
export interface Acting {
  readonly state: RunState;
  readonly channel: Pick<RunChannel, 'send'>;
  readonly outgoing: Outgoing;
  readonly wakeUps: WakeUps;
  /** Records an event and applies it to the state. */
  readonly take: (event: OwnEvent) => void;
  /** Plans the shards of a whole list; the first one is `s<first>`. */
  readonly planSuite: (list: SuiteList, first: number) => SuitePlan;
}

type ActionOf<Kind extends Action['kind']> = Extract<Action, { readonly kind: Kind }>;

/** Actions that call for another decision at once: they add shards or make shards due again. */
const FOLLOWED: ReadonlySet<Action['kind']> = new Set([
  'plan-suite',
  'split-shard',
  'divide-shard',
  'lose-attempt',
  'give-up-shard',
  'dismiss-agent',
]);

export const isFollowed = ({ kind }: Action): boolean => FOLLOWED.has(kind);

/** `at` is the time of the event that records the action. */
export function act(on: Acting, action: Action, at: number): void {
  switch (action.kind) {
    case 'start-attempt':
      startAttempt(on, action, at);
      break;
    case 'plan-suite':
      planSuite(on, at);
      break;
    case 'cancel-attempt':
      cancelAttempt(on, action, at);
      break;
    case 'close-run':
      closeRun(on, action, at);
      break;
    case 'dismiss-agent':
      dismissAgent(on, action, at);
      break;
    case 'ask-agent':
      askAgent(on, action, at);
      break;
    case 'give-up-shard':
      on.take({ kind: 'shard-given-up', at, shard: action.shard, why: action.why });
      break;
    case 'split-shard':
      on.take({ kind: 'shard-split', at, shard: action.shard, into: halve(on.state, action.shard) });
      break;
    case 'divide-shard':
      on.take({ kind: 'shard-split', at, shard: action.shard, into: divideByNeeds(on.state, action.shard), byNeeds: true });
      break;
    case 'await-needs':
      on.take({ kind: 'shard-waits', at, shard: action.shard, lacks: action.lacks });
      break;
    case 'claim-units':
      on.take({ kind: 'units-claimed', at, claims: action.claims });
      break;
    case 'lose-attempt':
      loseAttempt(on, action, at);
      break;
    default:
      assertNever(action);
  }
}

function startAttempt({ state, take, outgoing }: Acting, action: ActionOf<'start-attempt'>, at: number): void {
  const request = nextAttempt(state, action.shard, action.role);
  if (request === null) throw new ShardlineError('internal', { problem: `an attempt of the unknown shard ${action.shard} was decided` });
  const { id, shard, fence, role, selectors, needs, lane } = request;
  take({ kind: 'attempt-enqueued', at, attempt: id, shard, fence, role, selectors, ...(needs && { needs }), ...(lane && { lane }) });
  outgoing.enqueue(request);
}

function planSuite(on: Acting, at: number): void {
  const { state, channel, take, outgoing } = on;
  const list = unplannedList(state);
  if (list === null) throw new ShardlineError('internal', { problem: 'planned a suite before receiving its list' });
  const first = state.suite.failureChances === null ? 1 : state.shards.size + 1;
  take({ kind: 'suite-planned', at, ...on.planSuite(list, first) });
  const { hash } = list;
  outgoing.send(() => channel.send({ kind: 'list-known', hash }));
}

function cancelAttempt({ channel, take, outgoing }: Acting, { attempt, by }: ActionOf<'cancel-attempt'>, at: number): void {
  take({ kind: 'attempt-cancelled', at, attempt, by });
  outgoing.send(() => channel.send({ kind: 'cancel-attempt', attempt, by }));
}

/** An agent of its lane that joins later must not begin it. */
function loseAttempt({ channel, take, outgoing }: Acting, { attempt }: ActionOf<'lose-attempt'>, at: number): void {
  take({ kind: 'attempt-lost', at, attempt, agent: null });
  outgoing.send(() => channel.send({ kind: 'cancel-attempt', attempt, by: 'superseded' }));
}

function closeRun({ state, channel, take, outgoing, wakeUps }: Acting, { why }: ActionOf<'close-run'>, at: number): void {
  take({ kind: 'run-closed', at, why });
  const by = why.kind === 'done' ? 'done' : why.by;
  outgoing.send(() => channel.send({ kind: 'close-run', by }));
  wakeUps.after(graceMs(why));
  const times = deadlineTimes(state.opened);
  if (times !== null) wakeUps.after(times.mergeAt - at);
}

function dismissAgent({ state, channel, take, outgoing }: Acting, { agent, why }: ActionOf<'dismiss-agent'>, at: number): void {
  const problem = whyDismissed(state, agent, why);
  take({ kind: 'agent-dismissed', at, agent, why });
  outgoing.send(() => channel.send({ kind: 'dismiss-agent', agent, problem }));
}

function askAgent({ channel, take, outgoing }: Acting, { agent }: ActionOf<'ask-agent'>, at: number): void {
  take({ kind: 'agent-asked', at, agent });
  outgoing.send(() => channel.send({ kind: 'introduce-agent', agent }));
}
