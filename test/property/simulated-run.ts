// Plays a whole run from a suite and a list of choices: agents finish, crash, vanish or leave, and results arrive late or twice.
// The truth about the suite is known here, so that a report can be checked against it. After the last choice nothing else goes wrong.

import fc from 'fast-check';
import type { Action } from '../../coordinator/core/decide/actions.ts';
import { nextAttempt } from '../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../coordinator/core/decide/decide.ts';
import { callsForDecision } from '../../coordinator/core/state/changes.ts';
import type { CoordinatorEvent, RunOpened } from '../../coordinator/core/state/events.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { livingAgents, openRun, type RunState } from '../../coordinator/core/state/run-state.ts';
import type { AttemptEnding, AttemptRequest } from '../../shared/domain/attempt.ts';
import { type AgentId, agentId } from '../../shared/domain/ids.ts';
import { type Outcome, outcomes } from '../../shared/domain/outcome.ts';
import type { RerunLimit, Reruns } from '../../shared/domain/reruns.ts';
import {
  crashed,
  eventOf,
  collected as fileCollected,
  collectFailed as fileFailed,
  finished,
  joined,
  left,
  opened,
  shardOf,
} from '../unit/core/run-kit.ts';

export interface SimulatedFile {
  readonly name: string;
  readonly tests: readonly { readonly id: string; readonly outcome: Outcome; readonly seconds: number; readonly heals: boolean }[];
  /** A file that fails to collect may still announce tests: only one of its classes is broken. */
  readonly isBroken: boolean;
}

export interface SimulatedSuite {
  readonly shards: readonly (readonly SimulatedFile[])[];
  readonly attemptLimit: number;
  readonly maxfail: number;
  readonly deadlineSeconds: number | null;
  readonly reruns: Reruns;
  /** Is one agent broken, so that every test fails there? */
  readonly hasBrokenAgent: boolean;
  /** Is there an agent that can collect no file? */
  readonly hasLackingAgent: boolean;
}

/** The agent that can collect no file, if there is one. */
export const lackingAgent = agentId('lacking');

/** The agent on which every test fails, if there is one. */
export const brokenAgent = agentId('broken');

const outcomeOrPassed = fc.oneof({ weight: 12, arbitrary: fc.constant<Outcome>('passed') }, fc.constantFrom(...outcomes));
/** A test that heals passes in its rerun. */
const test = fc.record({ heals: fc.boolean(), outcome: outcomeOrPassed, seconds: fc.double({ min: 0, max: 5, noNaN: true }) });
const fileOf = (tests: fc.ArrayConstraints) =>
  fc.record({ tests: fc.array(test, tests), isBroken: fc.integer({ min: 0, max: 15 }).map((die) => die === 15) });

const limits = {
  attemptLimit: fc.integer({ min: 1, max: 3 }),
  maxfail: fc.constantFrom(0, 0, 0, 1, 3),
  deadlineSeconds: fc.oneof(fc.constant(null), fc.integer({ min: 2, max: 30 })),
  reruns: fc.record({
    times: fc.nat({ max: 2 }),
    limit: fc.constantFrom<RerunLimit>({ kind: 'tests', tests: 2 }, { kind: 'percent', percent: 100 }),
  }),
};

const suitesOf = (
  shards: fc.ArrayConstraints,
  file: ReturnType<typeof fileOf>,
  hasBrokenAgent: boolean,
  hasLackingAgent = false,
): fc.Arbitrary<SimulatedSuite> =>
  fc.record({ shards: fc.array(fc.array(file, { minLength: 1, maxLength: 3 }), shards), ...limits }).map(({ shards, ...rest }) => ({
    ...rest,
    hasBrokenAgent,
    hasLackingAgent,
    shards: shards.map((files, shard) =>
      files.map(({ tests, isBroken }, index) => {
        const name = `dir${shard}/test_${index}.py`;
        return { name, isBroken, tests: tests.map((each, at) => ({ id: `${name}::test_${at}`, ...each })) };
      }),
    ),
  }));

/** Suites of up to 4 shards of up to 3 files of up to 4 tests, mostly green. */
export const suites = suitesOf({ maxLength: 4, size: 'max' }, fileOf({ maxLength: 4 }), false);

/** Larger suites, with a broken agent. */
export const suitesWithBrokenAgent = suitesOf({ minLength: 4, maxLength: 10 }, fileOf({ minLength: 2, maxLength: 4 }), true);

/** Larger suites, with an agent that can collect nothing. */
export const suitesWithLackingAgent = suitesOf({ minLength: 2, maxLength: 10 }, fileOf({ maxLength: 4 }), false, true);

const deadlineOf = ({ deadlineSeconds: seconds }: SimulatedSuite): RunOpened['deadline'] =>
  seconds === null ? null : { seconds, reserveSeconds: 1 };

export const openingOf = (suite: SimulatedSuite): RunOpened =>
  opened(
    suite.shards.map((files, index) =>
      shardOf(
        index + 1,
        files.map((each) => each.name),
      ),
    ),
    { attemptLimit: suite.attemptLimit, maxfail: suite.maxfail, reruns: suite.reruns, waitAgentSeconds: 10, deadline: deadlineOf(suite) },
  );

/** All events of one undisturbed attempt, from its start to just before its end. */
export function tellingsOf(suite: SimulatedSuite, request: AttemptRequest, agent: AgentId, at: number): readonly CoordinatorEvent[] {
  const { id: attempt, shard, fence, role } = request;
  const files = new Map(suite.shards.flat().map((each) => [each.name, each]));
  const wanted = request.selectors.flatMap((selector) => {
    const known = files.get(selector.file);
    if (known === undefined) return [];
    const ids = selector.kind === 'tests' ? new Set<string>(selector.nodeids) : null;
    return [{ ...known, tests: known.tests.filter(({ id }) => ids?.has(id) ?? true) }];
  });
  const lacking = wanted.map(({ name }) => fileFailed(name, 'it lacks a package'));
  const healthy = [
    ...wanted.flatMap(({ name, tests, isBroken }) => [
      ...(isBroken ? [fileFailed(name, `${name} is broken`)] : []),
      ...(isBroken && tests.length === 0
        ? []
        : [
            fileCollected(
              name,
              tests.map((each) => each.id),
              0.25,
            ),
          ]),
    ]),
    ...wanted.flatMap(({ tests }) =>
      tests.map(({ id, outcome, seconds, heals }) =>
        finished(id, agent === brokenAgent ? 'failed' : role === 'rerun' && heals ? 'passed' : outcome, { seconds }),
      ),
    ),
  ];
  const told = agent === lackingAgent ? lacking : healthy;
  return [
    { kind: 'attempt-started', at, agent, attempt, shard, fence, role },
    ...told.map((event) => ({ kind: 'attempt-reported', agent, attempt, shard, event }) as const),
  ];
}

export const endOf = (request: AttemptRequest, agent: AgentId, at: number, ending: AttemptEnding): CoordinatorEvent => ({
  kind: 'attempt-ended',
  at,
  agent,
  attempt: request.id,
  shard: request.shard,
  ending,
  seconds: 1,
});

export interface SimulatedRun {
  readonly opening: RunOpened;
  readonly events: readonly CoordinatorEvent[];
  readonly state: RunState;
  /** Every attempt that was enqueued, with the tests that had an outcome just before. */
  readonly attempts: readonly { readonly request: AttemptRequest; readonly finishedBefore: ReadonlySet<string> }[];
  /** Actions that were decided a second time after they had been applied. */
  readonly decidedTwice: number;
  /** Events that called for a decision but did not show it in their changes. */
  readonly undecided: readonly CoordinatorEvent[];
  /** The quarantined agents, each with the living agents that were not quarantined. */
  readonly dismissed: readonly { readonly agent: AgentId; readonly others: readonly AgentId[] }[];
  /** The tests in doubt when the run closed: they had failed on a quarantined agent. */
  readonly doubted: readonly string[];
}

/** The list bounds the bad luck: after it every attempt finishes, so the run must close. Throws when it does not. */
export function playRun(suite: SimulatedSuite, choices: readonly number[]): SimulatedRun {
  const opening = openingOf(suite);
  const state = openRun(opening);
  const events: CoordinatorEvent[] = [];
  const attempts: { request: AttemptRequest; finishedBefore: ReadonlySet<string> }[] = [];
  const dismissed: { agent: AgentId; others: readonly AgentId[] }[] = [];
  const queue: AttemptRequest[] = [];
  const late: CoordinatorEvent[] = [];
  let next = 0;
  let now = opening.at;
  let decidedTwice = 0;
  let isDecisionDue = true;
  const undecided: CoordinatorEvent[] = [];
  const choose = (): number => choices[next++] ?? 0;

  const take = (event: CoordinatorEvent): void => {
    events.push(event);
    if (callsForDecision(reduce(state, event))) isDecisionDue = true;
    if (!isDecisionDue && decide(state).length > 0) undecided.push(event);
  };
  const decideNow = (): void => {
    const decided = new Set<string>();
    // Decisions that follow from a split are made after it.
    for (let actions = decide(state); actions.length > 0; actions = decide(state)) {
      const before = decided.size;
      for (const action of actions) act(action);
      for (const action of actions) decided.add(JSON.stringify(action));
      if (decided.size < before + actions.length) decidedTwice += 1;
      if (decidedTwice > 0) return;
    }
    isDecisionDue = false;
  };
  const act = (action: Action): void => {
    if (action.kind === 'start-attempt') {
      const request = nextAttempt(state, action.shard, action.role);
      if (request === null) throw new Error(`unknown shard ${action.shard}`);
      const done = [...state.tests.values()].filter((each) => each.accepted !== null).map((each) => each.nodeid);
      attempts.push({ request, finishedBefore: new Set<string>(done) });
      queue.push(request);
    }
    if (action.kind === 'dismiss-agent') {
      dismissed.push({
        agent: action.agent,
        others: livingAgents(state).filter((each) => each !== action.agent && !isDismissed(state, each)),
      });
    }
    take(eventOf(state, action, now));
  };

  if (suite.hasLackingAgent) for (const agent of [agentId('a0'), lackingAgent]) take(joined(agent, now));
  if (suite.hasBrokenAgent) for (const agent of [agentId('a0'), brokenAgent]) take(joined(agent, now));
  decideNow();
  for (let step = 0; state.closed === null; step += 1) {
    if (step > 500) throw new Error('the run never closes');
    now += 1000;
    take({ kind: 'tick', at: now });
    decideNow();
    const repeated = late.shift();
    if (repeated !== undefined) take(repeated);
    const alive = livingAgents(state);
    if (alive.length === 0 && choose() % 8 !== 7) take(joined(agentId(`a${step}`), now));
    const chosen = livingAgents(state)[choose() % Math.max(1, livingAgents(state).length)];
    if (chosen !== undefined && isDismissed(state, chosen) && choose() % 4 !== 3) {
      // The agent has received its dismissal.
      take(left(chosen, now));
      decideNow();
      continue;
    }
    const request = chosen === undefined ? undefined : queue.shift();
    const agent = request?.avoid.includes(chosen as AgentId)
      ? (livingAgents(state).find((each) => !request.avoid.includes(each)) ?? chosen)
      : chosen;
    if (agent === undefined || request === undefined || state.closed !== null) continue;

    const tellings = tellingsOf(suite, request, agent, now);
    const fate = choose() % 13;
    const delivered = fate < 5 ? tellings.length : choose() % (tellings.length + 1);
    for (const event of tellings.slice(0, delivered)) {
      take(event);
      if (choose() % 16 === 15) late.push(event);
      if (choose() % 16 === 15) decideNow();
    }
    switch (fate) {
      case 5:
        take(endOf(request, agent, now, crashed(null)));
        break;
      case 6:
        // The agent only seemed lost: the rest of its results arrives late.
        take({ kind: 'attempt-taken', at: now, attempt: request.id, agent });
        take({ kind: 'agent-lost', at: now, agent });
        late.push(...tellings.slice(delivered));
        break;
      case 7:
        take(endOf(request, agent, now, { kind: 'interrupted', by: 'shutdown' }));
        take(left(agent, now));
        break;
      case 8:
        take(endOf(request, agent, now, { kind: 'not-started', error: 'session-not-started', detail: 'no' }));
        break;
      case 9:
        if (choose() % 4 === 3) take({ kind: 'interrupt-requested', at: now, by: 'SIGINT' });
        take(endOf(request, agent, now, { kind: 'finished' }));
        break;
      case 10:
        // No agent holds the attempt, but its agent may still have started it.
        take({ kind: 'attempt-lost', at: now, attempt: request.id, agent: choose() % 2 === 0 ? agent : null });
        late.push(...tellings.slice(delivered));
        break;
      case 11:
        queue.length = 0;
        take({ kind: 'redis-emptied', at: now, isMissing: choose() % 2 === 0 });
        late.push(...tellings.slice(delivered), endOf(request, agent, now, { kind: 'finished' }));
        break;
      case 12:
        take({ kind: 'agent-lost', at: now, agent });
        take({ kind: 'agent-returned', at: now, agent });
        take(choose() % 2 === 0 ? { kind: 'run-resumed', at: now } : { kind: 'stream-read', at: now, position: `${now}-0`, aheadMs: 0 });
        late.push(...tellings.slice(delivered), endOf(request, agent, now, { kind: 'finished' }));
        break;
      default:
        take(endOf(request, agent, now, { kind: 'finished' }));
    }
    decideNow();
  }
  const doubted = [...state.tests.values()].flatMap((each) => (each.isDoubted ? [each.nodeid] : []));
  for (const event of late) take(event);
  return { opening, events, state, attempts, decidedTwice, undecided, dismissed, doubted };
}

export const isDismissed = ({ agents }: RunState, agent: AgentId): boolean => agents.get(agent)?.conduct.dismissedFor != null;

/** Enough choices to disturb a small run. */
export const choices = fc.array(fc.nat({ max: 1000 }), { maxLength: 120, size: 'max' });
