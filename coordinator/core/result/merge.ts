// Merges the state of a run into its one report: exactly one outcome or not-run reason per expected test. profile.ts accounts for the time,
// verdict.ts for the exit code. The same events give the same report, in whatever order they arrived.

import { assertNever } from '../../../shared/assert-never.ts';
import type { AttemptEnding } from '../../../shared/domain/attempt.ts';
import { type AgentId, type NodeId, pytestId, type TestFile } from '../../../shared/domain/ids.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import type {
  MissingMessages,
  NotRun,
  Report,
  ReportedAgent,
  ReportedAttempt,
  ReportedShard,
  ReportedTest,
  ReportedWait,
  Totals,
} from '../../../shared/domain/report.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import { compareText } from '../../../shared/text/compare-text.ts';
import { isoDate } from '../../../shared/text/iso-date.ts';
import { absentAgents } from '../state/agents/absences.ts';
import { rejectionsOf } from '../state/agents/rejections.ts';
import { collectErrorsOf } from '../state/collection/collect-errors.ts';
import { isInseparable, isListed } from '../state/collection/suite.ts';
import type { RunOpened } from '../state/events.ts';
import type { FileProgress } from '../state/records.ts';
import {
  type AcceptedResult,
  type AgentRecord,
  type AttemptRecord,
  attemptsOf,
  isUncollected,
  type ShardRecord,
  type TestRecord,
} from '../state/records.ts';
import { isBelowCollectError, unfinishedSeconds } from '../state/remaining-work.ts';
import { finalResult, isFlaky } from '../state/results.ts';
import { type RunState, testsInOrder } from '../state/run-state.ts';
import { fitResult, type TextBudget } from '../state/text-budget.ts';
import { agentEnd } from './agent-end.ts';
import { conflictsOf } from './conflicts.ts';
import { coverageFindings } from './coverage.ts';
import { lackedBy, waitsOf } from './needs-text.ts';
import { countNotRun, testsOfFile, testsOfName } from './not-run.ts';
import { reportedPart } from './parts/reported-part.ts';
import { profile } from './profile.ts';
import { differencesOf, reportFingerprint } from './report-fitness.ts';
import { reportShown } from './reported-shown.ts';
import { countSkippedModules, verdict } from './verdict.ts';

/** Values that only the writer of a report knows: when it is written (milliseconds since the epoch) and how long merging took. */
export interface MergeFinish {
  readonly finishedAt: number;
  readonly mergeSeconds: number;
}

/**
 * Returns the whole result of a run from everything known so far. An announced test whose shard has used up its attempts is an error; a
 * test or file that the run did not reach is not-run, with the reason why the run ended.
 */
export function merge(state: RunState, finish: MergeFinish): Report {
  const { opened } = state;
  // Copy the budget: a state may be merged more than once.
  const texts = { ...state.texts };
  const { missing, notRun } = accountForMissing(state, texts);
  const ran = testsInOrder(state).flatMap((test) => ranTest(test));
  const tests = [...ran, ...missing].sort((left, right) => compareText(left.file, right.file));
  const collectErrors = collectErrorsOf(state);
  const totals = count(state, tests, notRun);
  const coverage = state.coverage.combined;
  const conflicts = conflictsOf(state);
  const missingMessages = missingMessagesOf(state);
  const found = {
    totals,
    skippedModules: countSkippedModules(tests),
    collectErrors: collectErrors.length + state.sessionErrors.length,
    // Another part may have tests, and the merge of all parts decides.
    acceptsNoTests: state.acceptsNoTests || opened.part !== null,
    notRun,
    isInterrupted: isInterrupted(state) || isStoppedByStepwise(opened, totals),
    isInseparable: isInseparable(state),
    isUnproven: false,
    flakyFails: opened.flakyFails,
    conflicts: conflicts.length,
    missingMessages: missingMessages.length,
    coverage: coverageFindings([coverage]),
  };
  return {
    schema: 1,
    runId: opened.spec.runId,
    ...verdict(found),
    startedAt: isoDate(opened.startedAt),
    finishedAt: isoDate(finish.finishedAt),
    deadline: deadlineOf(opened, finish.finishedAt, totals),
    totals,
    tests,
    notRun,
    collectErrors,
    sessionErrors: [...state.sessionErrors].sort((left, right) => compareText(left.agent, right.agent)),
    textsCut: texts.cut,
    shards: [...state.shards.values()].map(reportShard),
    agents: reportAgents(state),
    origin: opened.origin,
    rejected: rejectionsOf(state),
    missingMessages,
    absent: absentAgents(state),
    fingerprint: reportFingerprint({ files: opened.spec.files, python: opened.python }),
    profile: profile(state, finish.mergeSeconds),
    coverage,
    ...reportShown(state.shown, testsInOrder(state), [...state.agents.keys()]),
    part: reportedPart(state),
    partProblems: [],
    restarted: opened.restarted === null ? null : { why: opened.restarted.why, voidTests: opened.restarted.voidTests },
    targets: null,
    conflicts,
    waits: reportWaits(state),
    comparison: null,
    history: null,
  };
}

const missingMessagesOf = ({ numbers }: RunState): readonly MissingMessages[] =>
  [...numbers].flatMap(([agent, { missing: messages }]) => (messages === 0 ? [] : [{ agent, messages }]));

function deadlineOf({ startedAt, deadline }: RunOpened, finishedAt: number, { notRun }: Totals): Report['deadline'] {
  if (deadline === null) return null;
  const overshootSeconds = Math.max(0, (finishedAt - startedAt) / 1000 - deadline.seconds);
  return {
    seconds: deadline.seconds,
    reserveSeconds: deadline.reserveSeconds,
    met: overshootSeconds === 0 && notRun === 0,
    overshootSeconds,
  };
}

/** pytest's `--sw` stops at a failure as at Ctrl-C, and plain pytest then exits with 2. */
const isStoppedByStepwise = ({ cache }: RunOpened, { failed, error }: Totals): boolean =>
  cache !== null && cache.stepwise !== null && failed + error > (cache.stepwise.skip ? 1 : 0);

/** A run that ended without being closed was stopped from outside. */
const isInterrupted = ({ closed, interruptedBy }: RunState): boolean =>
  closed === null || (closed.why.kind !== 'done' && (interruptedBy !== null || closed.why.notRun === 'cancelled'));

function ranTest(test: TestRecord): readonly ReportedTest[] {
  const final = finalResult(test);
  if (test.accepted === null || final === null) return [];
  const { nodeid, file } = test;
  const { outcome, seconds, line, properties = [] } = final.result;
  const attempts = [test.accepted, ...test.reruns].map(reportAttempt);
  const about = { nodeid: pytestId(nodeid), outcome, flaky: isFlaky(test), seconds, file, line };
  return [{ ...about, ...(properties.length === 0 ? {} : { properties }), attempts }];
}

function reportAttempt({ agent, result }: AcceptedResult): ReportedAttempt {
  const { outcome, seconds, setupSeconds, teardownSeconds = 0, worker, message, brief, sections } = result;
  return { agent, worker, startedAt: isoDate(result.startedAt), seconds, setupSeconds, teardownSeconds, outcome, message, brief, sections };
}

interface Missing {
  readonly missing: readonly ReportedTest[];
  readonly notRun: readonly NotRun[];
}

function accountForMissing(state: RunState, texts: TextBudget): Missing {
  const missing: ReportedTest[] = [];
  const notRun: NotRun[] = [];
  const known = state.opened.knownTests;
  const counted = new Set<NodeId | TestFile>();
  const isNew = (id: NodeId | TestFile): boolean => counted.size < counted.add(id).size;

  // The parts of a split shard account for its missing tests; the shard itself only for those that its parts do not know.
  for (const record of [...state.shards.values()].sort((left, right) => Number(isSplit(left)) - Number(isSplit(right)))) {
    const givenUp = givenUpWhy(state, record);
    const lacked = lackedBy(state, record);
    const lacks = lacked === null ? {} : { lacks: lacked };
    for (const progress of record.files.values()) {
      const reason = reasonOf(state, progress, givenUp);
      const open = [...progress.tests.values()].filter((test) => test.accepted === null);
      const predictedSeconds = unfinishedSeconds(record, progress);
      for (const { nodeid } of open) {
        if (!isNew(nodeid)) continue;
        if (givenUp !== null && givenUp !== 'unmet-needs' && reason === givenUp)
          missing.push(unaccountedTest(record, progress.file, nodeid, texts));
        else
          notRun.push({
            nodeid: pytestId(nodeid),
            kind: 'test',
            tests: 1,
            reason,
            ...lacks,
            predictedSeconds: predictedSeconds / open.length,
          });
      }
      if (!isUncollected(progress) || isSplit(record) || isListed(state, progress)) continue;
      const named = progress.selectors.flatMap((selector) => namedIn(selector));
      const isPart = progress.selectors.some(({ kind }) => kind === 'part');
      const isWhole = progress.selectors.some(
        (selector) => selector.kind === 'file' || (selector.kind === 'part' && selector.only === null),
      );
      if (isWhole && isNew(progress.file)) {
        const tests = testsOfFile(progress.file, progress.selectors, known);
        notRun.push({ nodeid: progress.file, kind: 'file', tests, reason, ...lacks, predictedSeconds });
      }
      for (const nodeid of isWhole ? [] : named) {
        const isKnown = state.tests.has(nodeid);
        if (isKnown || !isNew(nodeid)) continue;
        // A part names ids that pytest reported in an earlier run.
        const tests = isPart ? 1 : testsOfName(nodeid, known);
        notRun.push({ nodeid, kind: 'test', tests, reason, ...lacks, predictedSeconds: predictedSeconds / named.length });
      }
    }
  }
  return { missing, notRun: notRun.sort((left, right) => compareText(left.nodeid, right.nodeid)) };
}

/** Why a test of this file has no outcome, given that it has none. */
function reasonOf(state: RunState, progress: FileProgress, givenUp: NotRunReason | null): NotRunReason {
  if (isUncollected(progress) && isBelowCollectError(state, progress.file)) return 'collect-error';
  return givenUp ?? (state.closed?.why.kind === 'stopped' ? state.closed.why.notRun : 'cancelled');
}

const isSplit = ({ state }: ShardRecord): boolean => state.kind === 'split';

/** Why the shard or one of its parts was given up; null if none was. */
function givenUpWhy(state: RunState, record: ShardRecord): NotRunReason | null {
  if (record.state.kind === 'given-up') return record.state.why;
  if (record.state.kind !== 'split') return null;
  const parts = record.state.into.flatMap((id) => state.shards.get(id) ?? []);
  return parts.map((part) => givenUpWhy(state, part)).find((why) => why !== null) ?? null;
}

/** Reports a test that pytest announced and no attempt ran as an error, because it needs attention like any error. */
function unaccountedTest(record: ShardRecord, file: TestFile, nodeid: NodeId, texts: TextBudget): ReportedTest {
  const attempts = attemptsOf(record);
  const last = attempts.at(-1);
  const message = `pytest collected this test, but shardline received no result from ${attempts.length === 1 ? 'its only attempt' : `${attempts.length} attempts`}.`;
  const blamed = attempts.filter((attempt) => attempt.state.kind === 'ended' && isBlamedOn(attempt.state.ending, nodeid)).length;
  const blame = blamed === 0 ? '' : ` It was running when pytest crashed (${blamed} of ${attempts.length}).`;
  const agent = last === undefined ? null : agentOf(last);
  const attempt = fitResult(texts, {
    worker: '',
    startedAt: isoDate(last?.startedAt ?? 0),
    seconds: 0,
    outcome: 'error' as const,
    message: `${message}${blame}${last === undefined ? '' : `\nThe last one: ${describe(last)}`}`,
    brief: null,
    sections: [],
  });
  return {
    nodeid: pytestId(nodeid),
    outcome: 'error',
    flaky: false,
    seconds: 0,
    file,
    line: null,
    attempts: agent === null ? [] : [{ agent, ...attempt }],
  };
}

const isBlamedOn = (ending: AttemptEnding, nodeid: NodeId): boolean => ending.kind === 'crashed' && ending.running === nodeid;

function describe({ state }: AttemptRecord): string {
  if (state.kind !== 'ended') return 'it had not ended.';
  switch (state.ending.kind) {
    case 'finished':
      return 'pytest finished without it.';
    case 'interrupted':
      return `interrupted (${state.ending.by}).`;
    case 'crashed':
    case 'not-started':
      return state.ending.detail;
    case 'lost':
      return `agent ${state.agent} was lost.`;
    default:
      return assertNever(state.ending);
  }
}

function count(state: RunState, tests: readonly ReportedTest[], notRun: readonly NotRun[]): Totals {
  const counts = { passed: 0, failed: 0, error: 0, skipped: 0, xfailed: 0, xpassed: 0 };
  for (const { outcome } of tests) counts[outcome] += 1;
  const missing = countNotRun(notRun);
  return {
    expected: tests.length + missing.notRun,
    ...counts,
    flaky: tests.filter((test) => test.flaky).length,
    ...missing,
    duplicatesDropped: state.duplicatesDropped,
  };
}

const reportWaits = (state: RunState): readonly ReportedWait[] =>
  waitsOf(state).map(({ shard, since, endedAt, lacks }) => ({
    shard,
    labels: lacks.labels,
    resources: lacks.resources.map(({ name }) => name),
    startedAt: isoDate(since),
    seconds: (endedAt - since) / 1000,
  }));

/** Reports a shard by the attempt that completed it, otherwise by its last attempt. */
function reportShard(record: ShardRecord): ReportedShard {
  const { state, shard } = record;
  const attempts = attemptsOf(record);
  const by = (state.kind === 'done' ? attempts.find((attempt) => attempt.id === state.accepted) : undefined) ?? attempts.at(-1);
  return {
    id: shard.id,
    selectors: shard.selectors.length,
    predictedSeconds: shard.predictedSeconds,
    seconds: by === undefined ? 0 : (by.seconds ?? ((by.lastEventAt ?? 0) - (by.startedAt ?? by.lastEventAt ?? 0)) / 1000),
    agent: by === undefined ? null : agentOf(by),
    attempt: by?.fence ?? 0,
    state: stateWord(record, by),
  };
}

function stateWord({ state }: ShardRecord, last: AttemptRecord | undefined): ReportedShard['state'] {
  switch (state.kind) {
    case 'done':
    case 'split':
      return state.kind;
    case 'given-up':
      return 'lost';
    case 'planned':
      return 'cancelled';
    case 'open':
      return last?.state.kind === 'ended' && last.state.ending.kind !== 'interrupted' ? 'lost' : 'cancelled';
    default:
      return assertNever(state);
  }
}

const agentOf = ({ state }: AttemptRecord): AgentId | null => (state.kind === 'enqueued' ? null : state.agent);

function reportAgents(state: RunState): readonly ReportedAgent[] {
  const testsOf = new Map<AgentId, number>();
  for (const { accepted } of state.tests.values()) {
    if (accepted !== null) testsOf.set(accepted.agent, (testsOf.get(accepted.agent) ?? 0) + 1);
  }
  return [...state.agents.values()]
    .sort((left, right) => compareText(left.id, right.id))
    .map((agent) => ({
      id: agent.id,
      host: agent.info?.host ?? agent.unfit?.host ?? '',
      workers: agent.info?.workers ?? 0,
      tests: testsOf.get(agent.id) ?? 0,
      busySeconds: agent.left?.busySeconds ?? agent.attemptSeconds,
      idleSeconds: agent.left?.idleSeconds ?? idleSeconds(state, agent),
      peakRssBytes: agent.left?.peakRssBytes ?? 0,
      cpuSeconds: agent.left?.cpuSeconds ?? null,
      ...agentEnd(state, agent),
      fingerprint: reportFingerprint(agent.unfit?.fingerprint ?? agent.info?.fingerprint ?? null),
      differences: differencesOf(state, agent),
    }));
}

/** Idle seconds of an agent that reported none itself: the time of its slots that no attempt filled. */
function idleSeconds(_state: RunState, { info, joinedAt, lastEventAt, attemptSeconds }: AgentRecord): number {
  const slots = Math.max(1, info?.workers ?? 1);
  const servedSeconds = joinedAt === null || lastEventAt === null ? 0 : ((lastEventAt - joinedAt) / 1000) * slots;
  return Math.max(0, servedSeconds - attemptSeconds);
}

/** Tests that a selector names; none if it means the whole file. */
function namedIn(selector: Selector): readonly NodeId[] {
  if (selector.kind === 'tests') return selector.nodeids;
  return selector.kind === 'part' ? (selector.only ?? []) : [];
}
