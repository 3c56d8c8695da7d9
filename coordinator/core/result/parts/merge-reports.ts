// Merges several finished runs into one report: runs of parts of a suite, of one suite in several places, or of tests left undone.

import type { ReportedCoverage } from '../../../../shared/domain/coverage.ts';
import type { AgentId, NodeId } from '../../../../shared/domain/ids.ts';
import { agentId, nodeId, runId, shardId } from '../../../../shared/domain/ids.ts';
import type { Outcome } from '../../../../shared/domain/outcome.ts';
import type { NotRun, Profile, Report, ReportedTest, Totals } from '../../../../shared/domain/report.ts';
import { sum } from '../../../../shared/numbers.ts';
import { fitResult, newTextBudget, type TextBudget } from '../../state/text-budget.ts';
import { coverageFindings } from '../coverage.ts';
import { mergeHistories } from '../history.ts';
import { countNotRun } from '../not-run.ts';
import { rate } from '../profile.ts';
import { mergeShown } from '../reported-shown.ts';
import { countSkippedModules, firstExitCode, verdict } from '../verdict.ts';
import { proveParts } from './prove-parts.ts';

/** If runs disagree about a test, the first of these outcomes counts: no failure is hidden, and an outcome that ran outranks a skip. */
const precedence: readonly Outcome[] = ['error', 'failed', 'passed', 'xpassed', 'xfailed', 'skipped'];

/** What a merge knows besides the reports. */
export interface Merging {
  /** What is wrong with the sources that could not be read, as messages. */
  readonly unreadable?: readonly string[];
  /** The coverage of all runs together; null if it was not combined. */
  readonly coverage?: ReportedCoverage | null;
}

/**
 * Returns one report with one verdict. A test of several runs keeps all attempts and gets the outcome that comes first in `precedence`. A
 * test that any run ran counts as run. Agents with the same name in several runs get their run's number as a suffix. Reports of parts must
 * prove that they are one whole suite.
 */
export function mergeReports(given: readonly [Report, ...Report[]], { unreadable = [], coverage = null }: Merging = {}): Report {
  const { counted: reports, earlier, problems } = proveParts(withOwnAgents(given), unreadable);
  const texts = newTextBudget();
  const tests = withRetries(mergeTests(reports, texts), earlier);
  const notRun = stillNotRun(reports, tests);
  const collectErrors = [...new Map(reports.flatMap((report) => report.collectErrors).map((error) => [error.nodeid, error])).values()];
  const sessionErrors = reports.flatMap((report) => report.sessionErrors);
  const totals = count(reports, tests, notRun);
  const conflicts = reports.flatMap((report) => report.conflicts);
  const missingMessages = reports.flatMap((report) => report.missingMessages);
  const found = verdict({
    totals,
    skippedModules: countSkippedModules(tests),
    collectErrors: collectErrors.length + sessionErrors.length,
    acceptsNoTests: reports.every(acceptsNoTests),
    // Nothing interrupted the merge: a part that did not end is a problem of the proof.
    notRun: reports.some(({ part }) => part !== null) ? notRun.filter(({ reason }) => reason !== 'cancelled') : notRun,
    isInterrupted: endedUnnamed(reports, 2),
    isInseparable: endedUnnamed(reports, 11),
    isUnproven: problems.length > 0,
    flakyFails: reports.some((report) => report.part?.flakyFails || failsForFlaky(report)),
    conflicts: conflicts.length,
    missingMessages: missingMessages.length,
    coverage: coverageFindings(coverage === null ? reports.map((report) => report.coverage) : [coverage]),
  });
  const targets = reports.flatMap((report) => report.targets ?? []);
  const more = [...(reports.some((report) => report.exitCode === 3) ? [3] : []), ...(targets.some(({ met }) => !met) ? [1] : [])];
  const exitCode = firstExitCode([...(more.length > 0 && found.exitCode === 0 ? [] : [found.exitCode]), ...more]);
  const deadlines = reports.flatMap(({ deadline }) => (deadline === null ? [] : [deadline]));
  return {
    schema: 1,
    runId: runId(`merged-${given[0].runId}`.slice(0, 64)),
    verdict: exitCode === found.exitCode ? found.verdict : exitCode === 3 ? 'internal-error' : 'failed',
    exitCode,
    startedAt: least(reports.map(({ startedAt }) => startedAt)),
    finishedAt: most(reports.map(({ finishedAt }) => finishedAt)),
    deadline:
      deadlines.length === 0
        ? null
        : {
            seconds: Math.max(...deadlines.map(({ seconds }) => seconds)),
            reserveSeconds: Math.max(...deadlines.map(({ reserveSeconds }) => reserveSeconds)),
            met: deadlines.every(({ met }) => met) && totals.notRun === 0,
            overshootSeconds: Math.max(...deadlines.map(({ overshootSeconds }) => overshootSeconds)),
          },
    totals,
    tests,
    notRun,
    collectErrors,
    sessionErrors,
    textsCut: texts.cut + sum(reports.map(({ textsCut }) => textsCut)),
    shards: reports.flatMap(({ shards }) => shards).map((shard, index) => ({ ...shard, id: shardId(index + 1) })),
    agents: reports.flatMap(({ agents }) => agents),
    rejected: reports.flatMap(({ rejected }) => rejected),
    missingMessages,
    absent: reports.flatMap(({ absent }) => absent),
    origin: commonOrigin(given.map(({ origin }) => origin)),
    fingerprint: given[0].fingerprint,
    profile: mergeProfiles(reports, tests.length),
    coverage,
    ...mergeShown(reports),
    targets: targets.length === 0 ? null : targets,
    part: null,
    partProblems: problems,
    conflicts,
    waits: [],
    comparison: null,
    history: mergeHistories(reports.flatMap(({ history }) => history ?? [])),
    restarted: null,
  };
}

/** Each run has a command and a job of its own. */
function commonOrigin([first = null, ...others]: readonly Report['origin'][]): Report['origin'] {
  if (first === null || others.some((other) => other?.project !== first.project)) return null;
  const branch = others.every((other) => other?.branch === first.branch) ? first.branch : null;
  return { project: first.project, branch, command: '', job: null };
}

const acceptsNoTests = ({ part, verdict: word, exitCode }: Report): boolean =>
  part === null ? word === 'no-tests' && exitCode === 0 : part.acceptsNoTests;

/** True if a run that is no part ended with this code and names no test behind it, which another run may have run. */
const endedUnnamed = (reports: readonly Report[], code: number): boolean =>
  reports.some(({ part, exitCode, notRun }) => part === null && exitCode === code && notRun.length === 0);

/** True if the run failed only because of flaky tests. */
const failsForFlaky = ({ verdict: word, totals, collectErrors, sessionErrors }: Report): boolean =>
  word === 'failed' && totals.flaky > 0 && totals.failed + totals.error + collectErrors.length + sessionErrors.length === 0;

/** The name in the merged report of an agent of the run at `index`. */
export function ownAgentNames(reports: readonly Report[]): (agent: AgentId, index: number) => AgentId {
  const runsOf = new Map<AgentId, number>();
  for (const { agents } of reports) for (const { id } of agents) runsOf.set(id, (runsOf.get(id) ?? 0) + 1);
  return (agent, index) => ((runsOf.get(agent) ?? 0) > 1 ? agentId(`${agent}.${index + 1}`) : agent);
}

function withOwnAgents(reports: readonly Report[]): readonly Report[] {
  const names = ownAgentNames(reports);
  return reports.map((report, index) => {
    const renamed = (id: AgentId): AgentId => names(id, index);
    return {
      ...report,
      agents: report.agents.map((agent) => ({ ...agent, id: renamed(agent.id) })),
      sessionErrors: report.sessionErrors.map((error) => ({ ...error, agent: renamed(error.agent) })),
      conflicts: report.conflicts.map(({ first, second, ...conflict }) => ({
        ...conflict,
        first: { ...first, agent: renamed(first.agent) },
        second: { ...second, agent: renamed(second.agent) },
      })),
      rejected: report.rejected.map((rejection) => ({ ...rejection, agent: rejection.agent === null ? null : renamed(rejection.agent) })),
      missingMessages: report.missingMessages.map((missing) => ({ ...missing, agent: renamed(missing.agent) })),
      sessions: report.sessions.map((session) => ({ ...session, agent: renamed(session.agent) })),
      shards: report.shards.map((shard) => ({ ...shard, agent: shard.agent === null ? null : renamed(shard.agent) })),
      tests: report.tests.map((test) => ({
        ...test,
        attempts: test.attempts.map((attempt) => ({ ...attempt, agent: renamed(attempt.agent) })),
      })),
    };
  });
}

function mergeTests(reports: readonly Report[], texts: TextBudget): readonly ReportedTest[] {
  const merged = copiesOfTests(reports).map((copies): ReportedTest => {
    const [first, ...others] = [...copies].sort((left, right) => precedence.indexOf(left.outcome) - precedence.indexOf(right.outcome));
    if (first === undefined || others.length === 0) return copies[0] as ReportedTest;
    // Put the attempts behind the outcome last: reports show their traceback and output.
    const attempts = [...others.reverse(), first].flatMap((test) => test.attempts);
    return { ...first, flaky: copies.some(({ flaky }) => flaky), attempts };
  });
  return merged
    .map((test) => ({ ...test, attempts: test.attempts.map((attempt) => fitResult(texts, attempt)) }))
    .sort((left, right) => (left.file < right.file ? -1 : left.file > right.file ? 1 : 0));
}

/** The results of each test in all reports. pytest may give several tests of one run the same id: the first of each run belong together. */
function copiesOfTests(reports: readonly Report[]): readonly (readonly ReportedTest[])[] {
  const byId = new Map<NodeId, ReportedTest[][]>();
  for (const report of reports) {
    for (const [nodeid, own] of Map.groupBy(report.tests, (test) => test.nodeid)) {
      const known = byId.get(nodeid) ?? [];
      byId.set(nodeid, known);
      for (const [place, test] of own.entries()) {
        const copies = known[place];
        if (copies === undefined) known.push([test]);
        else copies.push(test);
      }
    }
  }
  return [...byId.values()].flat();
}

/** Adds the attempts of parts that ran again. A test that only failed there is flaky. */
function withRetries(tests: readonly ReportedTest[], earlier: readonly Report[]): readonly ReportedTest[] {
  if (earlier.length === 0) return tests;
  const before = new Map(
    copiesOfTests(earlier).flatMap(([first, ...others]) => (first === undefined ? [] : [[first.nodeid, [first, ...others]]])),
  );
  return tests.map((test) => {
    const runs = before.get(test.nodeid) ?? [];
    if (runs.length === 0) return test;
    const flaky = test.flaky || (test.outcome === 'passed' && runs.some(({ outcome }) => outcome === 'failed' || outcome === 'error'));
    return { ...test, flaky, attempts: [...runs.flatMap(({ attempts }) => attempts), ...test.attempts] };
  });
}

/** A file that one run left out counts as run if another run ran tests of it and left none of it out. */
function stillNotRun(reports: readonly Report[], tests: readonly ReportedTest[]): readonly NotRun[] {
  const ran = new Set<NodeId>(tests.map(({ nodeid }) => nodeid));
  const whole = new Set<string>();
  for (const report of reports) {
    const leftOut = new Set(report.notRun.map(({ nodeid }) => nodeid.split('::', 1)[0] ?? ''));
    for (const { file } of report.tests) if (!leftOut.has(file)) whole.add(file);
  }
  const missing = reports
    .flatMap(({ notRun }) => notRun)
    .filter(({ kind, nodeid }) => (kind === 'file' ? !whole.has(nodeid) : !ran.has(nodeId(nodeid))));
  return [...new Map(missing.map((each) => [each.nodeid, each])).values()];
}

function count(reports: readonly Report[], tests: readonly ReportedTest[], notRun: readonly NotRun[]): Totals {
  const counts = { passed: 0, failed: 0, error: 0, skipped: 0, xfailed: 0, xpassed: 0 };
  for (const { outcome } of tests) counts[outcome] += 1;
  const missing = countNotRun(notRun);
  return {
    expected: tests.length + missing.notRun,
    ...counts,
    flaky: tests.filter(({ flaky }) => flaky).length,
    ...missing,
    duplicatesDropped: sum(reports.map(({ totals }) => totals.duplicatesDropped)),
  };
}

/** Adds up work. Efficiency and speedup come from the summed makespans; values that cannot be added are null. */
function mergeProfiles(reports: readonly Report[], tests: number): Profile {
  const of = (measure: (profile: Profile) => number): number => sum(reports.map(({ profile }) => measure(profile)));
  const makespanSeconds = of((profile) => profile.makespanSeconds);
  const boundSeconds = of((profile) => profile.boundSeconds);
  const efficiency = makespanSeconds > 0 ? boundSeconds / makespanSeconds : 1;
  const sequentialSeconds = of((profile) => profile.sequentialSeconds);
  const firsts = reports.flatMap(({ profile }) => (profile.timeToFirstTestSeconds === null ? [] : [profile.timeToFirstTestSeconds]));
  const executionSeconds = of((profile) => profile.executionSeconds);
  return {
    setupSeconds: of((profile) => profile.setupSeconds),
    discoverySeconds: of((profile) => profile.discoverySeconds),
    collectionSeconds: of((profile) => profile.collectionSeconds),
    executionSeconds,
    mergeSeconds: of((profile) => profile.mergeSeconds),
    makespanSeconds,
    boundSeconds,
    efficiency,
    cpuUtilization: null,
    timeToFirstTestSeconds: firsts.length === 0 ? null : Math.min(...firsts),
    sequentialSeconds,
    speedup: makespanSeconds > 0 ? sequentialSeconds / makespanSeconds : 1,
    secondsPerTest: tests === 0 ? null : executionSeconds / tests,
    breakdown: null,
    rating: rate(efficiency),
  };
}

const least = (texts: readonly string[]): string => texts.reduce((first, text) => (text < first ? text : first));
const most = (texts: readonly string[]): string => texts.reduce((last, text) => (text > last ? text : last));
