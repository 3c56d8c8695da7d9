// Answers questions about the whole list of a suite's tests. Nothing runs before the shards of the list are planned.

import type { AgentId, NodeId, TestFile } from '../../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../../shared/domain/outcome.ts';
import type { Inseparable, SuiteList } from '../../../../shared/domain/suite/suite-list.ts';
import { takesWork } from '../conduct.ts';
import type { Mismatch } from '../events.ts';
import type { FileProgress } from '../records.ts';
import type { RunState } from '../run-state.ts';

export const isSuite = ({ opened }: RunState): boolean => opened.spec.collect === 'suite';

/** True if the suite was collected by file and proved to differ from the whole list. */
export const isInseparable = (state: RunState): boolean => inseparableBecause(state) !== null;

/** Why the suite is inseparable; null if nothing shows that it is. */
export function inseparableBecause(state: RunState): Inseparable | null {
  if (isSuite(state)) return null;
  const { inseparable, mismatch, doubtfulOutcome } = state.suite;
  if (inseparable !== null) return inseparable;
  if (mismatch !== null) return unlocated(`${mismatch.file} has other tests than when the whole suite was last collected`);
  const uncollected = uncollectedAlone(state);
  if (uncollected !== null)
    return unlocated(`${uncollected.file} could be collected with the whole suite, and cannot be collected by file`);
  return doubtfulOutcome === null ? null : unlocated(doubtfulOutcome);
}

/** The first file whose tests differ from the last whole list; null without one. */
export const mismatchOf = (state: RunState): Mismatch | null => state.suite.mismatch ?? uncollectedAlone(state);

/**
 * An unchanged file that was part of the last whole list and cannot be collected by file. Only the whole list shows if its import needs
 * another file, or if something that it imports has changed. null while another agent may still refute the error.
 */
function uncollectedAlone(state: RunState): Mismatch | null {
  const { opened, collectErrors, doubts, agents } = state;
  for (const file of collectErrors.keys()) {
    const doubted = doubts.get(file)?.agent;
    const others = [...agents.values()].some((agent) => agent.id !== doubted && takesWork(state, agent));
    if (opened.digests[file] !== undefined && (doubted === undefined || !others)) return { file, digest: null };
  }
  return null;
}

/** A reason that is not about one failed test. */
export const unlocated = (why: string): Inseparable => ({ why, file: null, companions: [] });

/** True while the run still waits for the plan of the whole list. */
export const awaitsPlan = (state: RunState): boolean => isSuite(state) && !state.suite.isPlanned;

/** True while no agent has sent its list. */
export const awaitsList = (state: RunState): boolean => isSuite(state) && state.suite.list === null;

export const isPlanDue = (state: RunState): boolean => awaitsPlan(state) && state.suite.list !== null;

/** True if all tests of the file are known from the list, even if it was not run. */
export const isListed = ({ suite }: RunState, progress: FileProgress): boolean => suite.isPlanned && progress.tests.size > 0;

/** Compares the `tests` tests that an xdist worker collected from one file with the file's digest in the last census. */
export function compareDigest({ suite, opened }: RunState, file: TestFile, digest: string | null, tests: number): void {
  const expected = opened.digests[file];
  if (opened.spec.collect !== 'file' || digest === null || expected === undefined || expected === digest) return;
  suite.mismatch ??= { file, digest: tests === 0 ? null : digest };
}

/**
 * Compares a result with the newest run of the whole list. A failure that became a pass may be fixed, or may pass only by file. A pass that
 * became a failure may be an error, or may be due to companions, which are imported earlier than in plain pytest.
 */
export function compareOutcome({ suite, opened }: RunState, nodeid: NodeId, outcome: Outcome): void {
  const hasFailed = suite.failedWhole.has(nodeid);
  if (opened.spec.collect !== 'file' || isFailure(outcome) === hasFailed) return;
  if (hasFailed) suite.doubtfulOutcome ??= `${nodeid} failed when the whole suite was collected, and passes by file`;
  else if (opened.companions.length > 0)
    suite.doubtfulOutcome ??= `${nodeid} did not fail when the whole suite was collected, and fails by file`;
}

/** The part of the list that is not planned yet: all of it at first, later the files that only another agent could collect. */
export function unplannedList({ suite, tests }: RunState): SuiteList | null {
  if (suite.list === null || suite.failureChances === null) return suite.list;
  const groups = suite.list.groups.filter(({ nodeids }) => nodeids.some((nodeid) => !tests.has(nodeid)));
  return { ...suite.list, groups, others: [], tail: null };
}

/** True if this agent's list differs from the plan's; positions in it then mean nothing. */
export function hasOddList(state: RunState, agent: AgentId): boolean {
  const { list, lists } = state.suite;
  const own = lists.get(agent);
  return isSuite(state) && own !== undefined && list !== null && own.hash !== list.hash;
}

/** True if a test marked `no_speculation` has run. */
export const mustNotRunTwice = ({ shards }: RunState): boolean =>
  [...shards.values()].some(({ files }) =>
    [...files.values()].some(({ mayBackUp, tests }) => !mayBackUp && [...tests.values()].some(({ accepted }) => accepted !== null)),
  );
