// Invariants of every run, whatever happens to its agents. fast-check prints seeds and counter-examples.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttempt } from '../../coordinator/core/decide/attempt-request.ts';
import { decide } from '../../coordinator/core/decide/decide.ts';
import { pacesOf } from '../../coordinator/core/decide/pace.ts';
import { deadlineTimes } from '../../coordinator/core/state/deadline.ts';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import { attemptsOf } from '../../coordinator/core/state/records.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { leftSeconds } from '../../coordinator/core/state/remaining-work.ts';
import { livingAgents, openRun } from '../../coordinator/core/state/run-state.ts';
import { agentId } from '../../shared/domain/ids.ts';
import { isFailure } from '../../shared/domain/outcome.ts';
import { closedDone, eventOf, joined, left, reportOf, stateAfter, tick } from '../unit/core/run-kit.ts';
import {
  brokenAgent,
  choices,
  endOf,
  isDismissed,
  lackingAgent,
  openingOf,
  playRun,
  type SimulatedSuite,
  suites,
  suitesWithBrokenAgent,
  suitesWithLackingAgent,
  tellingsOf,
} from './simulated-run.ts';

const runsOf = (those: fc.Arbitrary<SimulatedSuite>) =>
  fc.tuple(those, choices).map(([suite, chosen]) => ({ suite, run: playRun(suite, chosen) }));
const brokenRuns = runsOf(suitesWithBrokenAgent);
const lackingRuns = runsOf(suitesWithLackingAgent);
const runs = fc.oneof(
  { weight: 3, arbitrary: runsOf(suites) },
  { weight: 1, arbitrary: brokenRuns },
  { weight: 1, arbitrary: lackingRuns },
);
const noticedOnce: ReadonlySet<string> = new Set(['redis-emptied', 'agent-lost', 'agent-returned', 'attempt-lost', 'shard-given-up']);
const holds = <Values>(property: fc.IProperty<Values>): void => fc.assert(property, { numRuns: 400 });

test('the played runs cover every way that a run can end', () => {
  const sample = fc.sample(runs, { numRuns: 1000, seed: 7 });
  expect(sample.some(({ run }) => run.events.some(({ kind }) => kind === 'shard-split'))).toBe(true);
  expect(sample.some(({ run }) => reportOf(run.state).totals.flaky > 0)).toBe(true);
  expect(sample.filter(({ run }) => run.dismissed.length > 0).length).toBeGreaterThan(20);
  const verdicts = sample.map(({ run }) => reportOf(run.state).verdict);
  expect(new Set(verdicts)).toEqual(new Set(['passed', 'failed', 'deadline', 'incomplete', 'interrupted', 'no-tests']));
});

test('closes every run and takes no decision twice', () => {
  holds(
    fc.property(runs, ({ run }) => {
      expect(run.decidedTwice).toBe(0);
    }),
  );
});

test('an event that calls for a decision shows it in its changes', () => {
  holds(
    fc.property(runs, ({ run }) => {
      // Under a deadline the pace decides what is admitted, and only the next tick checks it.
      if (run.opening.deadline === null) expect(run.undecided.length).toBe(0);
    }),
  );
});

test('closes a run with a deadline when the drain begins, whatever happens', () => {
  holds(
    fc.property(runs, ({ run }) => {
      const times = deadlineTimes(run.opening);
      // The clock of these runs advances by whole seconds.
      if (times !== null)
        expect(run.state.closed?.at ?? Number.POSITIVE_INFINITY).toBeLessThan(Math.max(times.drainAt, run.opening.at) + 2000);
    }),
  );
});

test('loses no test: each planned file and announced test has an outcome, a not-run reason or a collection error', () => {
  holds(
    fc.property(runs, ({ suite, run }) => {
      const report = reportOf(run.state);
      const ids = new Set<string>([...report.tests, ...report.notRun].map((each) => each.nodeid));
      const broken = new Set<string>(report.collectErrors.map((error) => error.file));
      for (const id of run.state.tests.keys()) expect(ids).toContain(id);
      const emptyFiles = suite.shards.flat().filter((file) => file.tests.length === 0);
      for (const file of suite.shards.flat()) {
        const isTold = ids.has(file.name) || broken.has(file.name) || emptyFiles.includes(file);
        if (!isTold) for (const each of file.tests) expect(ids).toContain(each.id);
      }
    }),
  );
});

test('each node id has one outcome, which is the true outcome of its test', () => {
  holds(
    fc.property(runs, ({ suite, run }) => {
      const report = reportOf(run.state);
      const truth = new Map(suite.shards.flat().flatMap((file) => file.tests.map((each) => [each.id as string, each] as const)));
      const ids = [...report.tests, ...report.notRun].map((each) => each.nodeid);
      expect(new Set(ids).size).toBe(ids.length);
      for (const each of report.tests) {
        const isUnaccounted = run.state.tests.get(each.nodeid)?.accepted === null;
        const { outcome, heals } = truth.get(each.nodeid) ?? { outcome: 'error', heals: false };
        const [ran] = each.attempts;
        const isOfBroken = ran?.agent === brokenAgent;
        if (each.flaky) expect(isOfBroken || (heals && suite.reruns.times > 0)).toBe(true);
        // On other agents it has its true outcome, or heals.
        const isLastOfBroken = each.attempts.at(-1)?.agent === brokenAgent;
        const real = isLastOfBroken ? 'failed' : each.attempts.length > 1 && heals ? 'passed' : outcome;
        expect(each.outcome).toBe(isUnaccounted ? 'error' : real);
      }
    }),
  );
});

test('the totals match the lists and add up to the expected tests', () => {
  holds(
    fc.property(runs, ({ run }) => {
      const { tests, notRun, totals } = reportOf(run.state);
      const { passed, failed, error, skipped, xfailed, xpassed } = totals;
      expect(passed + failed + error + skipped + xfailed + xpassed).toBe(tests.length);
      expect(totals.notRun).toBe(notRun.length);
      expect(totals.expected).toBe(tests.length + notRun.length);
    }),
  );
});

test('a run passes only if every test of the suite ran and none failed', () => {
  holds(
    fc.property(runs, ({ suite, run }) => {
      const report = reportOf(run.state);
      const files = suite.shards.flat();
      const isGreen = files.every(
        (file) =>
          !file.isBroken &&
          file.tests.every((each) => !isFailure(each.outcome) || (each.heals && (suite.reruns.times > 0 || suite.hasBrokenAgent))),
      );
      const isWhole = report.tests.length === files.flatMap((file) => file.tests).length && report.notRun.length === 0;
      if (report.verdict === 'passed') expect({ isGreen, isWhole }).toEqual({ isGreen: true, isWhole: true });
      if (!isGreen || !isWhole) expect([0, 5]).not.toContain(report.exitCode);
    }),
  );
});

/** The file that an attempt could not collect. */
const failedFile = (event: CoordinatorEvent): string[] =>
  event.kind === 'attempt-reported' && event.event.kind === 'collect-failed' ? [event.event.file] : [];

test('a retry never includes a finished test and is never empty', () => {
  holds(
    fc.property(runs, ({ run }) => {
      for (const { request, finishedBefore } of run.attempts) {
        expect(request.selectors.length).toBeGreaterThan(0);
        if (request.role === 'rerun') {
          const ids = request.selectors.flatMap((selector) => (selector.kind === 'tests' ? selector.nodeids : []));
          for (const id of ids) expect(isFailure(run.state.tests.get(id)?.accepted?.result.outcome ?? 'passed')).toBe(true);
          continue;
        }
        // A recheck collects the file again, and some of its tests may have finished in a lost attempt.
        if (request.role === 'recheck') continue;
        // If the agent caused a collection error, its attempt may not have collected all of the file.
        const hadErrors = new Set(run.events.flatMap((event) => failedFile(event)));
        const finishedFiles = new Set(
          [...finishedBefore].map((id) => id.slice(0, id.indexOf('::'))).filter((file) => !hadErrors.has(file)),
        );
        for (const selector of request.selectors) {
          if (selector.kind === 'file') expect(finishedFiles).not.toContain(selector.file);
          else if (selector.kind === 'tests') for (const id of selector.nodeids) expect(finishedBefore).not.toContain(id);
        }
      }
    }),
  );
});

test('quarantines an agent once, beside one that stays, and re-runs its failures before the run is done', () => {
  holds(
    fc.property(brokenRuns, ({ run }) => {
      const names = run.dismissed.map(({ agent }) => agent);
      expect(new Set(names).size).toBe(names.length);
      for (const { others } of run.dismissed) expect(others.length).toBeGreaterThan(0);
      const reruns = run.attempts.flatMap(({ request }) => (request.role === 'rerun' ? [request] : []));
      const isAgain = new Set<string>(
        reruns.flatMap(({ selectors }) => selectors.flatMap((each) => (each.kind === 'tests' ? each.nodeids : []))),
      );
      if (run.state.closed?.why.kind === 'done') for (const id of run.doubted) expect(isAgain).toContain(id);
    }),
  );
});

test('drops a collection error that only one agent has, unless no other agent was left to recheck it', () => {
  holds(
    fc.property(lackingRuns, ({ suite, run }) => {
      // An error that arrives after the run is closed cannot be rechecked.
      const end = run.events.findIndex(({ kind }) => kind === 'run-closed');
      const state = openRun(run.opening);
      for (const event of run.events.slice(0, end)) reduce(state, event);
      const broken = new Set(suite.shards.flat().flatMap(({ name, isBroken }) => (isBroken ? [name] : [])));
      const others = livingAgents(state).filter((agent) => agent !== lackingAgent && !isDismissed(state, agent));
      for (const file of state.collectErrors.keys()) {
        if (broken.has(file) || run.state.closed?.why.kind !== 'done') continue;
        const rechecks = state.doubts.get(file)?.rechecks.length ?? 0;
        expect(others.length === 0 || rechecks === 3).toBe(true);
      }
      expect(run.dismissed.every(({ agent }) => agent === lackingAgent)).toBe(true);
    }),
  );
});

test('fences only rise within a shard', () => {
  holds(
    fc.property(runs, ({ run }) => {
      for (const [, attempts] of Map.groupBy(run.attempts, ({ request }) => request.shard)) {
        expect(attempts.map(({ request }) => request.fence)).toEqual(attempts.map((_, index) => index + 1));
      }
    }),
  );
});

test('every planned file is in exactly one shard, however shards were split', () => {
  holds(
    fc.property(runs, ({ suite, run }) => {
      const whole = [...run.state.shards.values()].filter(({ state }) => state.kind !== 'split');
      const planned = whole.flatMap(({ shard }) => shard.selectors);
      const named = planned.flatMap((selector): readonly string[] => (selector.kind === 'tests' ? selector.nodeids : [selector.file]));
      expect(new Set(named).size).toBe(named.length);
      const split = run.state.shards.size - whole.length;
      if (split === 0) expect(new Set(named)).toEqual(new Set(suite.shards.flat().map(({ name }) => name)));
    }),
  );
});

test('the open tests and the measured seconds of a file are those of its tests, however shards were split', () => {
  holds(
    fc.property(runs, ({ run }) => {
      for (const progress of [...run.state.shards.values()].flatMap(({ files }) => [...files.values()])) {
        const results = [...progress.tests.values()].flatMap(({ accepted }) => (accepted === null ? [] : [accepted.result.seconds]));
        expect(progress.openTests).toBe(progress.tests.size - results.length);
        expect(progress.measuredSeconds).toBeCloseTo(
          results.reduce((sum, seconds) => sum + seconds, 0),
          6,
        );
      }
    }),
  );
});

test('the pace without any agent follows from all begun shards, however they came to their end', () => {
  holds(
    fc.property(runs, ({ run: { state } }) => {
      const paceWithout = pacesOf(state);
      for (const agent of [null, ...state.agents.keys()]) {
        let [predicted, measured, whole] = [0, 0, 0];
        for (const record of state.shards.values()) {
          whole += record.shard.predictedSeconds;
          if (record.state.kind === 'planned' || record.state.kind === 'split') continue;
          if (attemptsOf(record).some(({ state: its }) => agent !== null && its.kind !== 'enqueued' && its.agent === agent)) continue;
          predicted += record.shard.predictedSeconds - leftSeconds(state, record);
          for (const { collectSeconds, measuredSeconds } of record.files.values()) measured += (collectSeconds ?? 0) + measuredSeconds;
        }
        const belief = whole * 0.05;
        expect(paceWithout(agent)).toBeCloseTo(belief === 0 ? 1 : (measured + belief) / (Math.max(0, predicted) + belief), 6);
      }
    }),
  );
});

test('a replay of the recorded events gives the same report', () => {
  holds(
    fc.property(runs, ({ run }) => {
      const recorded: CoordinatorEvent[] = JSON.parse(JSON.stringify([run.opening, ...run.events]));
      expect(JSON.stringify(reportOf(stateAfter(run.opening, ...recorded)))).toBe(JSON.stringify(reportOf(run.state)));
    }),
  );
});

test('receiving all events of agents again changes only the count of duplicates', () => {
  holds(
    fc.property(runs, ({ run }) => {
      const before = withoutDuplicates(reportOf(run.state));
      // Events that the coordinator itself notices happen once.
      for (const event of run.events) if (!noticedOnce.has(event.kind)) reduce(run.state, event);
      expect(withoutDuplicates(reportOf(run.state))).toEqual(before);
      expect(decide(run.state)).toEqual([]);
    }),
  );
});

test('gives the same report however the events of several agents are interleaved and repeated', () => {
  const orders = fc.array(fc.record({ agent: fc.nat({ max: 2 }), repeat: fc.nat({ max: 1000 }) }), { maxLength: 200 });
  holds(
    fc.property(suites, fc.nat({ max: 3 }), orders, orders, (suite, crashes, first, second) => {
      const streams = streamsOf(suite, crashes);
      expect(interleave(suite, streams, first)).toEqual(interleave(suite, streams, second));
    }),
  );
});

/** The events of three agents that share the shards. At most every fourth attempt sends only half of its events, then crashes. */
function streamsOf(suite: SimulatedSuite, crashes: number): readonly (readonly CoordinatorEvent[])[] {
  const state = openRun(openingOf(suite));
  return [0, 1, 2].map((index) => {
    const agent = agentId(`a${index}`);
    const own = state.opened.shards.filter((_, position) => position % 3 === index);
    const attempts = own.flatMap((shard, position) => {
      const request = nextAttempt(state, shard.id, 'primary');
      if (request === null) return [];
      const tellings = tellingsOf(suite, request, agent, 2000);
      const isCrashing = (position + index) % 4 === crashes;
      const delivered = tellings.slice(0, isCrashing ? Math.ceil(tellings.length / 2) : tellings.length);
      const ending = { kind: 'crashed', exitCode: 1, signal: null, running: null, detail: 'it fell over' } as const;
      return [...delivered, endOf(request, agent, 5000, isCrashing ? ending : { kind: 'finished' })];
    });
    return [joined(agent), ...attempts, left(agent)];
  });
}

/** The report after all streams are read, each in its own order, interleaved and repeated by `order`. */
function interleave(
  suite: SimulatedSuite,
  streams: readonly (readonly CoordinatorEvent[])[],
  order: readonly { agent: number; repeat: number }[],
) {
  const state = openRun(openingOf(suite));
  for (const { id: shard } of state.opened.shards) reduce(state, eventOf(state, { kind: 'start-attempt', shard, role: 'primary' }, 1500));
  const waiting = streams.map((stream) => [...stream]);
  const delivered: CoordinatorEvent[] = [];
  const receive = (event: CoordinatorEvent | undefined): void => {
    if (event === undefined) return;
    reduce(state, event);
    delivered.push(event);
  };
  for (const { agent, repeat } of order) {
    receive(waiting[agent]?.shift());
    if (repeat % 3 === 0) receive(delivered[repeat % Math.max(1, delivered.length)]);
    if (repeat % 5 === 0) reduce(state, tick(1500 + repeat));
  }
  for (const event of waiting.flat()) receive(event);
  reduce(state, closedDone());
  return withoutDuplicates(reportOf(state));
}

const withoutDuplicates = (report: ReturnType<typeof reportOf>) => ({ ...report, totals: { ...report.totals, duplicatesDropped: 0 } });
