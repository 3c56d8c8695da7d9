// What is known of the whole list of a suite's tests, and what follows from it. Nothing runs before the shards of the list are planned.

import type { AgentId, NodeId, TestFile } from '../../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../../shared/domain/outcome.ts';
import type { SuiteList } from '../../../../shared/domain/suite-list.ts';
import type { FileProgress } from '../records.ts';
import type { RunState } from '../run-state.ts';

export const isSuite = ({ opened }: RunState): boolean => opened.spec.collect === 'suite';

/** Was the suite collected by file, and shown to be another one so? */
export const isInseparable = (state: RunState): boolean => whyInseparable(state) !== null;

/** What showed it; null where nothing did. */
export function whyInseparable(state: RunState): string | null {
  if (isSuite(state)) return null;
  const { inseparable, mismatch, lacksModules, doubtfulPass } = state.suite;
  if (inseparable !== null) return inseparable;
  if (mismatch !== null) return `${mismatch.file} has other tests than when the whole suite was last collected`;
  return lacksModules ?? doubtfulPass;
}

/** Is the plan that the run goes by still to come? */
export const awaitsPlan = (state: RunState): boolean => isSuite(state) && !state.suite.isPlanned;

/** Has no agent sent its list yet? */
export const awaitsList = (state: RunState): boolean => isSuite(state) && state.suite.list === null;

export const isPlanDue = (state: RunState): boolean => awaitsPlan(state) && state.suite.list !== null;

/** Are all tests of this file known, though it was not run? */
export const isListed = ({ suite }: RunState, progress: FileProgress): boolean => suite.isPlanned && progress.tests.size > 0;

/** Compares what a worker collected of one file, `tests` of them, with what the whole list held of it when a census was last taken. */
export function compareDigest({ suite, opened }: RunState, file: TestFile, digest: string | null, tests: number): void {
  const expected = opened.digests[file];
  if (opened.spec.collect !== 'file' || digest === null || expected === undefined || expected === digest) return;
  suite.mismatch ??= { file, digest: tests === 0 ? null : digest };
}

/** Compares a result with that of the newest run with the whole list. A failure that turned into a pass may be fixed, or pass only by file. */
export function compareOutcome({ suite, opened }: RunState, nodeid: NodeId, outcome: Outcome): void {
  if (opened.spec.collect !== 'file' || isFailure(outcome) || !suite.failedWhole.has(nodeid)) return;
  suite.doubtfulPass ??= `${nodeid} failed when the whole suite was collected, and passes by file`;
}

/** The part of the list that no plan holds yet: all of it at first, later what another agent could not collect. */
export function unplannedList({ suite, tests }: RunState): SuiteList | null {
  if (suite.list === null || suite.failureChances === null) return suite.list;
  const groups = suite.list.groups.filter(({ nodeids }) => nodeids.some((nodeid) => !tests.has(nodeid)));
  return { ...suite.list, groups, others: [], tail: null };
}

/** Is this agent's list another one than the plan's? A position in it means nothing then. */
export function hasOddList(state: RunState, agent: AgentId): boolean {
  const { list, lists } = state.suite;
  const own = lists.get(agent);
  return isSuite(state) && own !== undefined && list !== null && own.hash !== list.hash;
}
/** Did a test run that is marked `no_speculation`? */
export const mustNotRunTwice = ({ shards }: RunState): boolean =>
  [...shards.values()].some(({ files }) =>
    [...files.values()].some(({ mayBackUp, tests }) => !mayBackUp && [...tests.values()].some(({ accepted }) => accepted !== null)),
  );
