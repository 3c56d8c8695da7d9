// Applies what an attempt reports about its files and tests. The first outcome of a test and the first failure of a file count; later ones
// change nothing.

import { assertNever } from '../../../../shared/assert-never.ts';
import type { AttemptEvent, TestResult } from '../../../../shared/domain/events.ts';
import type { AgentId, AttemptId, NodeId, TestFile } from '../../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../../shared/domain/outcome.ts';
import { OTHER } from '../changes.ts';
import { recordErrors } from '../collection/collect-errors.ts';
import { isContradicted, observeCollection, observeError } from '../collection/doubts.ts';
import { compareDigest, compareOutcome, hasOddList } from '../collection/suite.ts';
import { observeResult } from '../conduct.ts';
import type { FileProgress } from '../records.ts';
import { countTest, newProgress, type ShardRecord, type TestRecord } from '../records.ts';
import { isUnfinished } from '../remaining-work.ts';
import { acceptRerun, countsAs } from '../results.ts';
import type { RunState } from '../run-state.ts';
import { settle, settleAll } from '../settle.ts';
import { indexShard } from '../shard-index.ts';
import { withSharedTexts } from '../shown.ts';
import { fitResult } from '../text-budget.ts';
import { dropWork } from '../worker-time.ts';

/** The attempt that reports, and its agent. */
export interface ReportingAttempt {
  readonly attempt: AttemptId;
  readonly agent: AgentId;
}

/** Changes `record`, the shard of the reporting attempt, and what is expected and known of its tests. */
export function applyReport(state: RunState, record: ShardRecord, by: ReportingAttempt, event: AttemptEvent): void {
  if (state.attempts.get(by.attempt)?.role === 'rerun') {
    if (event.kind === 'test-finished') acceptRerun(state, by, event.result);
    return;
  }
  switch (event.kind) {
    case 'collected':
      collected(state, record, by, event);
      break;
    case 'collect-failed':
      collectFailed(state, record, by, event);
      break;
    case 'test-started':
      break;
    case 'test-finished':
      testFinished(state, record, by, event.result);
      break;
    default:
      assertNever(event);
  }
  // A report of a test that was not announced adds to the seconds of a done shard.
  if (record.state.kind === 'done') indexShard(state.index, record);
}

function collected(state: RunState, record: ShardRecord, by: ReportingAttempt, event: Extract<AttemptEvent, { kind: 'collected' }>): void {
  // The run is closed, so a test announced now would count as not run and make the run look interrupted.
  if (state.closed?.why.kind === 'done') return;
  const progress = progressOf(record, event.file);
  const attempt = state.attempts.get(by.attempt);
  // This may reopen a shard that was done only with a collection error.
  if (attempt !== undefined) observeCollection(state, progress, { agent: by.agent, attempt });
  // The attempt's error does not count, so the tests it collected besides the error are not the whole file.
  if (attempt?.isVoid && progress.failedIn.has(by.attempt)) return;
  // Another attempt completed the shard first, so this attempt's tests are not expected, unless they come with an error.
  if (record.state.kind === 'done' && !progress.collectFailed) return;
  compareDigest(state, event.file, event.digest, event.nodeids.length);
  if (progress.collectSeconds === null) progress.collectedBy = { attempt: by.attempt, at: event.at };
  progress.collectSeconds ??= event.seconds;
  for (const nodeid of event.nodeids) expectTest(state, progress, nodeid);
  for (const nodeid of event.serial) progress.serial.add(nodeid);
  for (const { nodeid, needs } of event.needs ?? []) progress.needs.set(nodeid, needs);
  progress.mayBackUp &&= event.mayBackUp;
  if (!isUnfinished(state, progress)) fileDone(state, record, by);
}

function testFinished(state: RunState, record: ShardRecord, by: ReportingAttempt, result: TestResult): void {
  const own = progressOf(record, result.file);
  const test = expectTest(state, own, result.nodeid);
  if (countsAs(test, by.attempt, false) === null) {
    state.duplicatesDropped += 1;
    if (test.accepted?.attempt !== by.attempt) dropWork(state.work, by.attempt, result.nodeid, result.seconds);
    noteConflict(state, test, by.agent, result.outcome);
    return;
  }
  // Each event brings its own copy of the names.
  const named = { ...result, nodeid: test.nodeid, file: own.file };
  test.accepted = { ...by, result: withSharedTexts(state.shown, fitResult(state.texts, named)) };
  state.changes.push({ kind: 'result-accepted', test, accepted: test.accepted, rerun: null });
  observeResult(state, by.agent, test, result.outcome);
  compareOutcome(state, test.nodeid, result.outcome);
  if (isFailure(result.outcome)) {
    state.failures += 1;
    state.failed.add(test);
  }
  if (result.isCrash) state.crashedTests += 1;
  for (const progress of test.expectedIn) {
    progress.openTests -= 1;
    progress.measuredSeconds += result.seconds;
  }
  if (!isUnfinished(state, own)) fileDone(state, record, by);
  if (test.expectedIn.length > 1) settleAll(state);
}

/** Maximum number of conflicts that a run keeps. One is enough to fail it. */
const MAX_CONFLICTS = 1000;

/** Which attempt of a test is faster must not decide whether the run is green. */
function noteConflict({ conflicts }: RunState, test: TestRecord, agent: AgentId, outcome: Outcome): void {
  if (test.accepted === null || isFailure(test.accepted.result.outcome) === isFailure(outcome)) return;
  if (conflicts.length < MAX_CONFLICTS && conflicts.every((known) => known.test !== test))
    conflicts.push({ test, second: { agent, outcome } });
}

function collectFailed(
  state: RunState,
  record: ShardRecord,
  by: ReportingAttempt,
  { file, errors }: Extract<AttemptEvent, { kind: 'collect-failed' }>,
): void {
  const attempt = state.attempts.get(by.attempt);
  if (attempt === undefined) return;
  // Another attempt has collected and run the whole shard.
  const isOver = record.state.kind === 'done' && record.state.accepted !== by.attempt;
  if (isOver && !state.doubts.has(file)) return;
  const planned = record.files.get(file);
  // A teardown error after the file was collected and run; another agent cannot confirm or refute it.
  const isLate = planned?.collectedIn.has(by.attempt) ?? false;
  if (!isLate) {
    planned?.failedIn.add(by.attempt);
    // Another agent has refuted the error, and another attempt now runs the file.
    if (attempt.isVoid) return;
    // A position in another list has no meaning in the plan's list.
    if (state.agents.get(by.agent)?.conduct.dismissedFor != null || hasOddList(state, by.agent)) {
      attempt.isVoid = true;
      return;
    }
    if (isContradicted(state, file, planned, { agent: by.agent, attempt })) return;
  }
  const isFirst = !state.collectErrors.has(file);
  if (!isLate) observeError(state, file, { agent: by.agent, attempt }, record.shard.id, isFirst);
  if (isFirst || attempt.role === 'recheck') recordErrors(state, file, errors);
  if (isFirst) state.changes.push({ kind: 'collect-error', file, agent: by.agent });
  if (planned !== undefined) planned.collectFailed = true;
  fileDone(state, record, by);
  // The failed path may be a directory above files of other shards, which can now be settled.
  if (planned === undefined) settleAll(state);
}

function fileDone(state: RunState, record: ShardRecord, by: ReportingAttempt): void {
  state.changes.push(OTHER);
  settle(state, record.shard.id, by.attempt);
}

function progressOf(record: ShardRecord, file: TestFile): FileProgress {
  const known = record.files.get(file);
  if (known !== undefined) return known;
  const progress = newProgress(file, []);
  record.files.set(file, progress);
  return progress;
}

export function expectTest(state: RunState, progress: FileProgress, nodeid: NodeId): TestRecord {
  const expected = progress.tests.get(nodeid);
  if (expected !== undefined) return expected;
  const known = state.tests.get(nodeid);
  if (known !== undefined) {
    progress.tests.set(nodeid, known);
    countTest(progress, known);
    return known;
  }
  // The list has just the room that nearly every test needs; a push to an empty list would reserve 17 places.
  const test: TestRecord = {
    nodeid,
    file: progress.file,
    accepted: null,
    reruns: [],
    rerunIn: [],
    isDoubted: false,
    expectedIn: [progress],
  };
  state.tests.set(nodeid, test);
  progress.tests.set(nodeid, test);
  progress.openTests += 1;
  return test;
}
