// The rules for every simulated run: the invariants of a run, and a report that matches the truth of the scenario.

import { decide } from '../../coordinator/core/decide/decide.ts';
import { isSuspect } from '../../coordinator/core/decide/isolate-crash.ts';
import { slotsOf } from '../../coordinator/core/decide/pace.ts';
import { merge } from '../../coordinator/core/result/merge.ts';
import { awaitsList } from '../../coordinator/core/state/collection/suite.ts';
import { deadlineTimes } from '../../coordinator/core/state/deadline.ts';
import type { CoordinatorEvent } from '../../coordinator/core/state/events.ts';
import type { ShardRecord } from '../../coordinator/core/state/records.ts';
import { reduce } from '../../coordinator/core/state/reduce.ts';
import { lacksOnlySerial } from '../../coordinator/core/state/remaining-work.ts';
import { openRun, type RunState } from '../../coordinator/core/state/run-state.ts';
import { LEASE_MS } from '../../coordinator/lease-claim.ts';
import { assertNever } from '../../shared/assert-never.ts';
import { hasLabels, limitOf, type Needs, NO_NEEDS } from '../../shared/domain/needs.ts';
import { isFailure, type Outcome } from '../../shared/domain/outcome.ts';
import type { Report, ReportedTest } from '../../shared/domain/report.ts';
import type { Ended, Played } from './play.ts';
import { type Fault, hasNearDeadline, type Scenario, type SimulatedTest } from './scenario.ts';

/** How late a loop may end because it waits for the answer of a server that is up. */
const SLACK_MS = 6000;
/** The slowest machine and the shortest test timeout of all scenarios. */
const SLOWEST = 6;
const LEAST_TIMEOUT_MS = 6000;
/** The shortest silence of Redis after which a coordinator gives up on it, or stops waiting for an agent that it cannot see. */
const LEAST_SILENCE_MS = 14_000;
/** The longest time between two renewals of a lease by a coordinator with a slow network. */
const SLOWEST_RENEWAL_MS = 4000;
/** How long a shard may be due while an agent is idle: decisions follow events. */
const IDLE_MS = 2000;
/** As in coordinator/core/state/settle.ts. */
const LOSSES_PER_EXECUTION = 3;

/** Every rule that the run broke, in words; empty for a sound run. */
export function problemsOf(played: Played): readonly string[] {
  const { ended, failures, hoarders, deposed, usurpers, overused, early, isStuck, isStaying, second } = played;
  return [
    ...(second === null ? [] : problemsOf(second)),
    ...(mayStopLate(played) ? [] : played.overworked),
    ...failures.map((failure) => `a process failed: ${failure}`),
    ...(isStuck ? ['the run never ended'] : []),
    ...(isStaying ? ['an agent did not leave when it was asked to'] : []),
    ...(new Set(ended.map(resultOf)).size > 1 ? [`${ended.map(({ name }) => name).join(' and ')} report the run differently`] : []),
    ...(mayForget(played.scenario) ? [] : hoarders.map((held) => `an agent left and kept a job that it had not begun: ${held}`)),
    ...(mayDepose(played.scenario) ? [] : deposed.map((name) => `${name} lost its run although it was alive`)),
    ...(isForgetful(played.scenario) ? [] : usurpers.map((name) => `${name} closed a run that another coordinator had taken over`)),
    ...(goesBack(played.scenario) ? [] : overused),
    ...early.map((attempt) => `attempt ${attempt} was finished in the queue before its end was stored`),
    ...leftovers(played),
    ...ended.flatMap((run) => problemsOfRun(played, run)),
  ];
}

/** A command that resumes a run while another one ends it reports the same result. */
const resultOf = ({ report: { verdict, tests, notRun } }: Ended): string =>
  JSON.stringify([verdict, tests.map(({ nodeid, outcome }) => [nodeid, outcome]), notRun.map(({ nodeid, reason }) => [nodeid, reason])]);

/** Can Redis lose data in this scenario, or an answer while an agent leaves? */
const mayForget = ({ faults }: Scenario): boolean => faults.some(({ kind }) => kind === 'restart' || kind === 'break' || kind === 'cut');

/** Can a coordinator be silent for as long as its lease lasts, or lose its connections while it is frozen? */
const mayDepose = (scenario: Scenario): boolean =>
  brings(scenario, 'cut', 'restart') ||
  (brings(scenario, 'freeze') && brings(scenario, 'break')) ||
  scenario.faults.reduce((sum, fault) => sum + (fault.kind === 'freeze' ? fault.forMs : 0), 0) > LEASE_MS - SLOWEST_RENEWAL_MS;

/** May tests of a run that has ended still be stopping, while others have their slots already? */
const mayStopLate = ({ scenario, second }: Played): boolean =>
  brings(scenario, 'interrupt', 'cut', 'freeze', 'kill', 'restart', 'take-over') ||
  (second !== null && brings(second.scenario, 'interrupt')) ||
  scenario.limits.maxfail > 0 ||
  scenario.limits.crashLimit > 0 ||
  hasNearDeadline(scenario);

/** Does Redis restart without some of its data? */
const isForgetful = ({ faults }: Scenario): boolean => faults.some((fault) => fault.kind === 'restart' && fault.keeps !== 'all');

/** Does Redis restart with earlier data? It then hands out finished attempts again, and they use their resources a second time. */
const goesBack = ({ faults }: Scenario): boolean => faults.some((fault) => fault.kind === 'restart' && typeof fault.keeps === 'number');

function leftovers({ scenario, ended, leftovers: left }: Played): readonly string[] {
  const isDoubtful = scenario.faults.some(({ kind }) => kind === 'restart' || kind === 'take-over' || kind === 'cut');
  return ended.length === 0 || isDoubtful ? [] : left.map((run) => `keys of ${run} were left on the server`);
}

function problemsOfRun(played: Played, run: Ended): readonly string[] {
  const { scenario } = played;
  const problems: string[] = [];
  const rule = (holds: boolean, text: string): void => {
    if (!holds) problems.push(text);
  };
  checkPlan(run, rule);
  checkRecord(run, rule);
  checkLosses(scenario, run, rule);
  checkStarts(scenario, run, rule);
  checkAccounts(scenario, run, rule);
  checkOutcomes(played, run, rule);
  checkVerdict(scenario, run, rule);
  checkTime(scenario, run, rule);
  checkMessages(scenario, run, rule);
  checkReplay(scenario, run, rule);
  return problems;
}

type Rule = (holds: boolean, text: string) => void;

/** Every file is in exactly one shard of the plan, or its parts are: splitting a shard keeps that true. */
function checkPlan({ state, opening, journal }: Ended, rule: Rule): void {
  // A later list of the whole suite is planned beside an earlier one that lacked files.
  if (journal.filter(({ kind }) => kind === 'suite-planned').length > 1) return;
  const whole = [...state.shards.values()].filter((record) => record.state.kind !== 'split');
  const seen = new Set<string>();
  for (const { shard } of whole) {
    for (const selector of shard.selectors) {
      const names =
        selector.kind === 'file'
          ? [selector.file]
          : selector.kind === 'tests'
            ? selector.nodeids
            : (selector.only ?? [`${selector.file} (rest)`]);
      for (const name of names) {
        rule(!seen.has(name), `${name} is in two shards`);
        seen.add(name);
      }
    }
  }
  const files = new Set<string>(whole.flatMap(({ files: own }) => [...own.keys()]));
  if (opening.spec.collect === 'suite' || state.shards.size > whole.length) return;
  for (const { selectors } of opening.shards) for (const { file } of selectors) rule(files.has(file), `${file} is in no shard`);
}

/** Nothing is decided twice, and fences only rise. */
function checkRecord({ journal, state }: Ended, rule: Rule): void {
  const once = new Set<string>();
  const isNew = (what: string): boolean => once.size < once.add(what).size;
  const fences = new Map<string, number>();
  for (const event of journal) {
    switch (event.kind) {
      case 'attempt-enqueued':
        rule(isNew(`enqueued ${event.attempt}`), `attempt ${event.attempt} was enqueued twice`);
        rule(event.fence === (fences.get(event.shard) ?? 0) + 1, `the fence of ${event.attempt} is not the next of its shard`);
        fences.set(event.shard, event.fence);
        break;
      case 'attempt-cancelled':
        rule(isNew(`cancelled ${event.attempt}`), `attempt ${event.attempt} was cancelled twice`);
        break;
      case 'agent-dismissed':
        rule(isNew(`dismissed ${event.agent}`), `agent ${event.agent} was dismissed twice`);
        break;
      case 'shard-split':
        rule(isNew(`split ${event.shard}`), `shard ${event.shard} was split twice`);
        break;
      case 'run-closed':
        rule(isNew('closed'), 'the run was closed twice');
        break;
      default:
    }
  }
  rule(state.closed !== null, 'the loop ended before the run was closed');
  rule(decide(state).length === 0, 'something is decided after the end');
}

/** While an agent is idle, a shard that needs nothing starts, whatever other shards wait for. */
function checkStarts(scenario: Scenario, { opening, journal }: Ended, rule: Rule): void {
  // No coordinator decides while it or Redis is away, and a near deadline leaves shards out.
  if (hasNearDeadline(scenario) || brings(scenario, 'freeze', 'take-over', 'restart', 'cut', 'slow', 'break')) return;
  const state = openRun(opening);
  let idleSince: number | null = null;
  for (const event of journal) {
    reduce(state, event);
    const isIdle =
      !awaitsList(state) && state.closed === null && state.interruptedBy === null && state.index.live.size < slotsOf(state).workers;
    const isDue = [...state.index.due].some((record) => isFree(state, record));
    idleSince = isIdle && isDue ? (idleSince ?? state.coordinatorAt) : null;
    if (idleSince === null || state.coordinatorAt - idleSince <= IDLE_MS) continue;
    rule(false, 'a shard that needs nothing did not start, and an agent was idle');
    return;
  }
}

/** A shard that was never tried, needs nothing and need not run alone. */
const isFree = (state: RunState, record: ShardRecord): boolean =>
  record.state.kind === 'planned' &&
  !record.shard.needs &&
  record.shard.runsLast !== true &&
  !isSuspect(record) &&
  !lacksOnlySerial(state, record);

/** When nothing can be lost, nothing is declared lost. */
function checkLosses(scenario: Scenario, { journal }: Ended, rule: Rule): void {
  if (brings(scenario, 'break', 'cut', 'freeze', 'kill', 'restart', 'take-over') || scenario.agents.some(({ kind }) => kind !== 'sound'))
    return;
  // Once the agents of a lane have left, what waits there is enqueued for others; once all have left, other runs get the units that waiting
  // attempts hold.
  const holds = (needs: Needs = NO_NEEDS): boolean => scenario.rival !== undefined && needs.resources.length > 0;
  const mayBeLost = new Set(
    journal.flatMap((event) =>
      event.kind === 'attempt-enqueued' && (event.lane !== undefined || holds(event.needs)) ? [event.attempt] : [],
    ),
  );
  for (const event of journal) {
    if (event.kind === 'attempt-lost' && !mayBeLost.has(event.attempt))
      rule(false, `attempt ${event.attempt} was taken for lost, and nothing can have been lost`);
    if (event.kind === 'agent-lost') rule(false, `agent ${event.agent} was taken for lost, and it was there`);
  }
}

/** Every expected test has an outcome or a reason why it was not run, and nothing has two. */
function checkAccounts(scenario: Scenario, { report, state, opening }: Ended, rule: Rule): void {
  const named = [...report.tests.map(({ nodeid }) => nodeid), ...report.notRun.map(({ nodeid }) => nodeid)];
  const names = new Set<string>(named);
  rule(names.size === named.length, 'a test or file is in the report twice');
  const broken = new Set<string>(report.collectErrors.map(({ file }) => file));
  const isPlanned = opening.spec.collect === 'file' || state.suite.isPlanned;
  for (const file of scenario.files) {
    if (names.has(file.name) || broken.has(file.name)) continue;
    if (isPlanned && opening.spec.collect === 'suite' && !state.suite.list?.groups.some((group) => group.file === file.name)) continue;
    const parts = [...state.shards.values()].some(({ files }) => files.has(file.name as never));
    rule(parts || !isPlanned, `nothing is said of ${file.name}`);
    for (const { id } of file.tests) rule(names.has(id), `nothing is said of ${id}`);
  }
  for (const id of state.tests.keys()) rule(names.has(id), `${id} was announced, and nothing is said of it`);
  const { totals } = report;
  const counted = totals.passed + totals.failed + totals.error + totals.skipped + totals.xfailed + totals.xpassed;
  rule(counted === report.tests.length, 'the totals are not those of the tests');
  rule(totals.expected === counted + totals.notRun, 'the totals do not add up');
}

/** Each test has its true outcome, whichever agent ran it and however often. */
function checkOutcomes({ scenario, results }: Played, { report, state }: Ended, rule: Rule): void {
  const tests = new Map(scenario.files.flatMap((file) => file.tests.map((test) => [test.id, test] as const)));
  let accepted = 0;
  for (const test of report.tests) {
    const truth = tests.get(test.nodeid);
    const record = state.tests.get(test.nodeid);
    if (truth === undefined || record === undefined) {
      rule(false, `the report has ${test.nodeid}, which does not exist`);
      continue;
    }
    accepted += (record.accepted === null ? 0 : 1) + record.reruns.length;
    if (record.accepted === null) {
      rule(test.outcome === 'error', `${test.nodeid} has no result, and is reported as ${test.outcome}`);
      rule(mayCrash(scenario), `no result of ${test.nodeid} came, though nothing kept any from coming`);
      continue;
    }
    const allowed = allowedOutcomes(scenario, truth, test);
    rule(allowed.includes(test.outcome), `${test.nodeid} is reported as ${test.outcome}, and in truth it is ${allowed.join(' or ')}`);
  }
  const { duplicatesDropped } = report.totals;
  // A server that lost its data cannot recognize that an event is sent again.
  rule(
    isForgetful(scenario) || accepted + duplicatesDropped <= results,
    `${accepted} results count and ${duplicatesDropped} were dropped as duplicates, but only ${results} were reported`,
  );
}

function allowedOutcomes({ agents }: Scenario, truth: SimulatedTest, { attempts, flaky }: ReportedTest): readonly Outcome[] {
  const last = attempts.at(-1)?.agent;
  if (agents.some(({ name, kind }) => kind === 'broken' && name === last)) return ['failed', 'error'];
  const timedOut: readonly Outcome[] = isSlow(truth) ? ['error'] : [];
  switch (truth.manner) {
    case 'steady':
      return [truth.outcome, ...timedOut];
    case 'heals':
      return attempts.length > 1 && flaky ? ['passed'] : ['failed', ...timedOut];
    case 'kills-worker':
    case 'hangs':
      return ['error'];
    case 'kills-session':
      return [];
    case 'kills-session-once':
      return ['passed', ...timedOut];
    default:
      return assertNever(truth.manner);
  }
}

/** Can the test exceed its timeout on a slow machine? */
const isSlow = ({ ms }: SimulatedTest): boolean => ms * SLOWEST > LEAST_TIMEOUT_MS;

/** Can attempts be used up, so that an announced test has no result? */
const mayCrash = ({ files, faults, agents }: Scenario): boolean =>
  files.some(({ tests }) => tests.some(({ manner }) => manner === 'kills-session' || manner === 'kills-session-once')) ||
  faults.some(({ kind }) => kind === 'kill' || kind === 'freeze' || kind === 'cut' || kind === 'restart' || kind === 'take-over') ||
  agents.some(({ kind }) => kind !== 'sound');

const brings = (scenario: Scenario, ...kinds: readonly Fault['kind'][]): boolean =>
  scenario.faults.some(({ kind }) => kinds.includes(kind));

function checkVerdict(scenario: Scenario, { report }: Ended, rule: Rule): void {
  const { verdict, exitCode, tests, notRun, collectErrors } = report;
  const expected = scenario.files.flatMap((file) => (file.isBroken ? [] : file.tests));
  const isWhole = notRun.length === 0 && tests.length === expected.length;
  const isGreen = collectErrors.length === 0 && tests.every(({ outcome }) => !isFailure(outcome));
  if (verdict === 'passed' || verdict === 'no-tests') {
    rule(isWhole, `the verdict is ${verdict}, and ${expected.length - tests.length} tests have no outcome`);
    rule(isGreen, `the verdict is ${verdict}, and something failed`);
    rule(!scenario.files.some(({ isBroken }) => isBroken), `the verdict is ${verdict}, and a file cannot be collected`);
    for (const { id, manner, outcome } of expected)
      rule(
        !['kills-session', 'kills-worker', 'hangs'].includes(manner) && !(manner === 'steady' && isFailure(outcome)),
        `the verdict is ${verdict}, and ${id} fails in truth`,
      );
  }
  rule(
    (exitCode === 0 || exitCode === 5) === (verdict === 'passed' || verdict === 'no-tests'),
    `exit code ${exitCode} says something else than ${verdict}`,
  );
  if (verdict === 'no-tests') rule(expected.length === 0, 'the verdict is no-tests, and there are some');
  if (verdict === 'deadline') rule(hasNearDeadline(scenario), 'the verdict is deadline, and none is near');
  if (verdict === 'interrupted') rule(brings(scenario, 'interrupt'), 'the verdict is interrupted, and nobody interrupted the run');
  checkWhole(scenario, report, rule);
}

/** When nothing can prevent a test from running, all tests run, whatever happens meanwhile, and the verdict follows from the truth alone. */
function checkWhole(scenario: Scenario, report: Report, rule: Rule): void {
  const { files, limits, agents } = scenario;
  if (brings(scenario, 'interrupt') || hasNearDeadline(scenario) || limits.maxfail > 0 || limits.crashLimit > 0) return;
  const isSteady = files.every(({ tests }) =>
    tests.every((test) => (test.manner === 'steady' || test.manner === 'heals') && !isSlow(test)),
  );
  if (!isSteady || mayLack(scenario) || !hasReliableAgent(scenario) || !hasReliableCoordinator(scenario) || mayUseUp(scenario)) return;
  const isComplete = report.notRun.every(({ reason }) => reason === 'collect-error');
  rule(isComplete, 'a test was not run, though nothing kept it from that');
  if (agents.some(({ kind }) => kind !== 'sound')) return;
  const expected = files.flatMap((file) => (file.isBroken ? [] : file.tests));
  rule(report.notRun.length === 0, 'a test was not run, though nothing kept it from that');
  rule(report.tests.length === expected.length, 'not every test has an outcome, though nothing kept any from being run');
  const isRed =
    files.some(({ isBroken }) => isBroken) ||
    expected.some(({ manner, outcome }) => (manner === 'heals' ? limits.rerunTimes === 0 : isFailure(outcome)));
  const isDoubtful = report.missingMessages.length > 0;
  const verdict = isRed ? 'failed' : isDoubtful ? 'incomplete' : expected.length === 0 ? 'no-tests' : 'passed';
  rule(report.verdict === verdict, `the verdict is ${report.verdict}, and in truth the suite has ${verdict}`);
}

/** Can a test need what the fleet does not have? */
const mayLack = ({ files, agents, resources = {} }: Scenario): boolean =>
  files.some(({ tests }) =>
    tests.some(
      ({ needs }) =>
        needs !== undefined &&
        (needs.resources.some(({ name, units }) => units > limitOf(resources, name)) ||
          agents.some(({ labels = [] }) => !hasLabels(labels, needs.labels))),
    ),
  );

/** Is one agent present and reachable until the end? */
const hasReliableAgent = ({ agents, faults }: Scenario): boolean =>
  agents.some(
    ({ name, kind, slowness }) =>
      kind === 'sound' &&
      slowness < SLOWEST &&
      !faults.some(
        (fault) =>
          (fault.kind === 'kill' || fault.kind === 'leave' || fault.kind === 'drain' || fault.kind === 'freeze' || fault.kind === 'cut') &&
          (fault.of === name || fault.of === 'all'),
      ),
  );

/** Is Redis never away for so long that a coordinator gives up on it? */
const hasReliableCoordinator = ({ faults }: Scenario): boolean =>
  faults.reduce((sum, fault) => sum + ('forMs' in fault ? fault.forMs : 'downMs' in fault ? fault.downMs : 0), 0) < LEAST_SILENCE_MS;

/** Can a shard be lost so often that it is given up? */
const mayUseUp = (scenario: Scenario): boolean => {
  const { faults, limits } = scenario;
  // A result that Redis forgets has used up the only attempt.
  if (limits.attemptLimit === 1 && isForgetful(scenario)) return true;
  return faults.filter(({ kind }) => kind !== 'break' && kind !== 'slow').length >= LOSSES_PER_EXECUTION * limits.attemptLimit;
};

/** A run with a deadline closes in time, and its report can be made in time. */
function checkTime(scenario: Scenario, { opening, state, endedAt, journal }: Ended, rule: Rule): void {
  const times = deadlineTimes(opening);
  if (times === null || brings(scenario, 'freeze', 'take-over', 'restart', 'cut', 'slow')) return;
  const drainAt = Math.max(times.drainAt, opening.at);
  rule((state.closed?.at ?? Number.POSITIVE_INFINITY) <= drainAt + 1000, 'the run was closed after its drain began');
  const isLate = endedAt > Math.max(times.mergeAt, opening.at) + SLACK_MS;
  rule(!isLate || journal.some(({ kind }) => kind === 'run-resumed'), 'the loop went on after the time at which the report is made');
}

/** No message is missing or comes again unless Redis lost data, whatever happens to agents, coordinators and their connections. */
function checkMessages(scenario: Scenario, { report }: Ended, rule: Rule): void {
  const isGreen = report.exitCode === 0 || report.exitCode === 5;
  rule(report.missingMessages.length === 0 || !isGreen, 'the run is green, and messages are missing');
  if (isForgetful(scenario)) return;
  rule(report.missingMessages.length === 0, 'messages are missing, and Redis lost nothing');
  rule(!report.rejected.some(({ why }) => why === 'repeated'), 'a message was taken for a repeated one');
}

/** The record gives the same report again; receiving all events of agents again changes only the count of duplicates. */
function checkReplay(scenario: Scenario, { opening, journal, report, endedAt, state }: Ended, rule: Rule): void {
  const reportOf = (its: RunState): Report => merge(its, { finishedAt: endedAt, mergeSeconds: 0 });
  const again = (events: readonly CoordinatorEvent[]): RunState => {
    const rebuilt = openRun(opening);
    for (const event of events) reduce(rebuilt, event);
    return rebuilt;
  };
  const recorded: readonly CoordinatorEvent[] = JSON.parse(JSON.stringify(journal));
  const replayed = again(recorded);
  rule(JSON.stringify(reportOf(replayed)) === JSON.stringify(report), 'a replay of the record gives another report');
  rule(JSON.stringify(reportOf(state)) === JSON.stringify(report), 'merging twice gives two reports');
  // A deposed coordinator may briefly enqueue again when Redis restarts with older data.
  if (isForgetful(scenario) && brings(scenario, 'take-over')) return;
  for (const event of recorded) if (!NOTICED_ONCE.has(event.kind)) reduce(replayed, event);
  rule(withoutDuplicates(reportOf(replayed)) === withoutDuplicates(report), 'receiving everything twice changes the report');
}

/** Events that a coordinator itself notices happen once. */
const NOTICED_ONCE: ReadonlySet<CoordinatorEvent['kind']> = new Set([
  'shard-given-up',
  'redis-emptied',
  'agent-lost',
  'agent-returned',
  'attempt-lost',
  'shard-waits',
]);
/** Without the numbers of messages that did not count. */
function withoutDuplicates(report: Report): string {
  const rejected = report.rejected.map((each) => ({ ...each, messages: 0 }));
  return JSON.stringify({ ...report, totals: { ...report.totals, duplicatesDropped: 0 }, rejected });
}
