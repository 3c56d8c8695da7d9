// Whole runs whose events partly come from a hostile or broken agent: a red run must never become green, and no green run may lack a result.

import fc from 'fast-check';
import { decide } from '../../coordinator/core/decide/decide.ts';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { openRun, type RunState } from '../../coordinator/core/state/run-state.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import type { AgentId } from '../../shared/domain/ids.ts';
import { isFailure } from '../../shared/domain/outcome.ts';
import type { Report } from '../../shared/domain/report.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { decodeEvents } from '../../shared/wire/events.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { a1, a2, closedDone, decideAll, enqueued, reportOf, tick } from '../unit/core/run-kit.ts';
import { written } from './codecs.ts';
import { messageTexts } from './mutations.ts';
import { address, batches, ghost, honest, opening } from './samples.ts';

const failing = 'test_a.py::test_y';
/** Nothing of a deadline here: the times of hostile events would decide when it comes. */
const plain = { ...opening, deadline: null, coverage: null, cache: null };
const files: readonly string[] = plain.shards.flatMap(({ selectors }) => selectors.map(({ file }: Selector) => file));

const place = fc.nat({ max: honest.length });
const insertions = fc.array(fc.record({ at: place, text: messageTexts(batches) }), { minLength: 1, maxLength: 6 });

type Insertions = readonly { readonly at: number; readonly text: string }[];

/** The events of a batch that the coordinator accepts; none of one that it refuses. */
function accepted(text: string): readonly RunEvent[] {
  try {
    return decodeEvents(text, { ...address, verifier: NO_VERIFIER }, 'x');
  } catch (thrown) {
    if (thrown instanceof ShardlineError) return [];
    throw thrown;
  }
}

const senderOf = (event: RunEvent): AgentId => {
  if (event.kind === 'agent-joined') return event.agent.id;
  return event.kind === 'coverage-kept' ? event.coverage.agent : event.agent;
};

function begun(): RunState {
  const state = openRun(plain);
  for (const event of [enqueued(1), enqueued(2)]) reduce(state, event);
  return state;
}

/** The report of the state, which must be one that shardline reads. */
function reported(state: RunState): Report {
  if (state.closed === null) reduce(state, closedDone(8000));
  const report = reportOf(state);
  written(report);
  decide(state);
  return report;
}

const check = (isRight: boolean, problem: string): void => {
  if (!isRight) throw new Error(problem);
};

/** A stranger cannot change a red run to green, or the outcome of a test. */
function strangers(list: Insertions): void {
  const state = begun();
  const taken: readonly CoordinatorEvent[] = [
    { kind: 'attempt-taken', at: 1100, attempt: enqueuedId(1), agent: a1 },
    { kind: 'attempt-taken', at: 1100, attempt: enqueuedId(2), agent: a2 },
  ];
  for (const event of [...honest.slice(0, 4), ...taken]) reduce(state, event);
  for (const [index, event] of honest.slice(4).entries()) {
    for (const { at, text } of list) {
      if (at % honest.length === index) for (const each of accepted(text)) if (senderOf(each) === ghost) reduce(state, each);
    }
    reduce(state, event);
  }
  const report = reported(state);
  check(report.exitCode !== 0, 'a stranger made a red run green');
  const outcomes = new Map<string, string>(report.tests.map(({ nodeid, outcome }) => [nodeid, outcome]));
  check(outcomes.get(failing) === 'failed', `the failing test is ${outcomes.get(failing)}`);
  for (const id of ['test_a.py::test_x', 'dir/test_b.py::test_x', 'test_c.py::test_x'])
    check(outcomes.get(id) === 'passed', `${id} is ${outcomes.get(id)}`);
}

const enqueuedId = (shard: number): Extract<CoordinatorEvent, { kind: 'attempt-enqueued' }>['attempt'] => {
  const event = enqueued(shard);
  if (event.kind !== 'attempt-enqueued') throw new Error('not an attempt');
  return event.attempt;
};

/** Whatever the agents that hold the shards send, and however much of it is missing: a green run has all results. */
function holders(list: Insertions, end: number, isDecided: boolean): void {
  const state = begun();
  const collected = new Set<string>();
  const take = (event: RunEvent): void => {
    if (event.kind === 'attempt-reported' && event.event.kind === 'collected') collected.add(event.event.file);
    reduce(state, event);
    if (isDecided) decideAll(state);
  };
  // A passing suite: only missing or false results can make it red.
  for (const [index, event] of honest.entries()) {
    for (const { at, text } of list) if (at === index) for (const each of accepted(text)) take(each);
    if (index < end) take(healed(event));
  }
  if (isDecided) {
    reduce(state, tick(9000));
    decideAll(state);
  }
  const report = reported(state);
  if (report.exitCode !== 0) return;
  const ids = new Map<string, string>(report.tests.map(({ nodeid, outcome }) => [nodeid, outcome]));
  check(report.totals.notRun === 0 && report.notRun.length === 0, 'a green run has tests that did not run');
  check(report.collectErrors.length === 0 && report.conflicts.length === 0, 'a green run has errors');
  for (const file of files) check(collected.has(file), `a green run never collected ${file}`);
  for (const id of state.tests.keys()) check(ids.has(id), `a green run has no result of ${id}`);
  check(!report.tests.some(({ outcome }) => isFailure(outcome)), 'a green run has a failed test');
}

const healed = (event: RunEvent): RunEvent => {
  if (event.kind !== 'attempt-reported' || event.event.kind !== 'test-finished') return event;
  return { ...event, event: { ...event.event, result: { ...event.event.result, outcome: 'passed' } } };
};

export interface FuzzedRun {
  readonly name: string;
  /** `play` throws if the run breaks a rule. */
  readonly inputs: fc.Arbitrary<{ readonly input: unknown; readonly play: () => void }>;
}

export const runs: readonly FuzzedRun[] = [
  { name: 'red run with batches of a stranger', inputs: insertions.map((input) => ({ input, play: () => strangers(input) })) },
  {
    name: 'run with batches of its agents',
    inputs: fc.tuple(insertions, place, fc.boolean()).map((input) => ({ input, play: () => holders(...input) })),
  },
];
