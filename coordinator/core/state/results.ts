// Decides which result of a test counts. The first result of each attempt counts; once one is no failure, later ones change nothing.

import type { TestResult } from '../../../shared/domain/events.ts';
import type { AttemptId } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Selector } from '../../../shared/domain/shard.ts';
import { observeResult } from './conduct.ts';
import { type AcceptedResult, type AttemptRecord, isUncollected, type TestRecord } from './records.ts';
import type { RunState } from './run-state.ts';
import { fitResult } from './text-budget.ts';
import { dropWork } from './worker-time.ts';

/** The result that counts; null without one. */
export const finalResult = (test: TestRecord): AcceptedResult | null => test.reruns.at(-1) ?? test.accepted;

/** True if the test failed first but not in the end. */
export function isFlaky(test: TestRecord): boolean {
  const final = finalResult(test);
  return test.reruns.length > 0 && final !== null && !isFailure(final.result.outcome);
}

/** Allowed reruns of a test. A test that failed on a dismissed agent gets at least one, whatever the run allows. */
export const timesOf = ({ opened }: RunState, { isDoubted }: TestRecord): number => Math.max(opened.reruns.times, isDoubted ? 1 : 0);

/** The known results of a test when another one arrives. */
interface KnownResults {
  readonly accepted: { readonly result: Pick<TestResult, 'outcome'> } | null;
  readonly reruns: readonly { readonly attempt: AttemptId; readonly result: Pick<TestResult, 'outcome'> }[];
}

/**
 * Decides how a result of this attempt counts: as the first of its test, or as a rerun that replaces a failure. null if it changes nothing:
 * only the first result of each attempt counts, and none after one that is no failure.
 */
export function countsAs({ accepted, reruns }: KnownResults, attempt: AttemptId, isRerun: boolean): 'first' | 'rerun' | null {
  if (!isRerun) return accepted === null ? 'first' : null;
  const final = reruns.at(-1) ?? accepted;
  const isKnown = reruns.some((rerun) => rerun.attempt === attempt);
  return final === null || isKnown || !isFailure(final.result.outcome) ? null : 'rerun';
}

/** Accepts a result from an attempt of the role `rerun`. */
export function acceptRerun(state: RunState, by: Pick<AcceptedResult, 'attempt' | 'agent'>, result: TestResult): void {
  const test = state.tests.get(result.nodeid);
  const final = test === undefined ? null : finalResult(test);
  if (test === undefined || final === null) return;
  if (countsAs(test, by.attempt, true) === null || test.reruns.length >= timesOf(state, test)) {
    state.duplicatesDropped += 1;
    return;
  }
  const accepted = { ...by, result: fitResult(state.texts, result) };
  const rerun = { count: test.reruns.length + 1, of: Math.max(1, state.opened.reruns.times), outcome: final.result.outcome };
  test.reruns.push(accepted);
  state.changes.push({ kind: 'result-accepted', test, accepted, rerun });
  observeResult(state, by.agent, test, result.outcome);
  if (result.isCrash) state.crashedTests += 1;
  dropWork(state.work, by.attempt, result.nodeid, result.seconds);
}

/** Links an enqueued rerun to the tests that its selectors name. */
export function beginRerun(state: RunState, attempt: AttemptRecord, selectors: readonly Selector[]): void {
  for (const selector of selectors) {
    if (selector.kind !== 'tests') continue;
    for (const nodeid of selector.nodeids) state.tests.get(nodeid)?.rerunIn.push(attempt);
  }
}

/**
 * Estimates the number of tests: each uncollected file counts as many tests as the collected ones on average, because the first few files
 * are not the suite.
 */
function likelyTests({ shards, tests }: RunState): number {
  let files = 0;
  let uncollected = 0;
  for (const record of shards.values()) {
    if (record.state.kind === 'split') continue;
    for (const progress of record.files.values()) {
      files += 1;
      if (isUncollected(progress)) uncollected += 1;
    }
  }
  return files === uncollected ? 0 : (tests.size * files) / (files - uncollected);
}

/** True if nothing is rerun because too many tests failed. */
export function isRerunLimitExceeded(state: RunState): boolean {
  const { limit } = state.opened.reruns;
  const allowed = limit.kind === 'tests' ? limit.tests : Math.ceil((likelyTests(state) * limit.percent) / 100);
  let failed = 0;
  for (const { isDoubted } of state.failed) if (!isDoubted) failed += 1;
  return failed > allowed;
}
