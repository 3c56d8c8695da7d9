// What is known of the whole list of a suite's tests, and what follows from it. Nothing runs before the shards of the list are planned.

import type { AgentId, ShardId, TestFile } from '../../shared/ids.ts';
import type { SuiteList, SuiteProof } from '../../shared/suite-list.ts';
import type { Action } from './events.ts';
import type { FileProgress, RunState } from './run-state.ts';

export interface SuiteState {
  /** The list that the plan rests on; null until an agent has sent one. */
  list: SuiteList | null;
  /** The hash of each agent's list. */
  readonly hashOf: Map<AgentId, string>;
  /** Was the list planned, as it is now? */
  isPlanned: boolean;
  /** Of the shards of the list; null before the first plan. */
  failureChances: Readonly<Record<ShardId, number>> | null;
  /** What the collection of the whole list has shown; null without one. */
  proof: SuiteProof | null;
  /** What showed that the files depend on each other; null where nothing did. */
  inseparable: string | null;
  /** What pytest says of paths or options that it refuses; null where it takes them. */
  refusal: string | null;
}

export const newSuiteState = (): SuiteState => ({
  list: null,
  hashOf: new Map(),
  isPlanned: false,
  failureChances: null,
  proof: null,
  inseparable: null,
  refusal: null,
});

const isSuite = ({ opened }: RunState): boolean => opened.spec.collect === 'suite';

/** Was the suite collected by file, and shown to be another one so? */
export const isInseparable = (state: RunState): boolean => !isSuite(state) && state.suite.inseparable !== null;

/** Is the plan that the run goes by still to come? */
export const awaitsPlan = (state: RunState): boolean => isSuite(state) && !state.suite.isPlanned;

/** Has no agent sent its list yet? */
export const awaitsList = (state: RunState): boolean => isSuite(state) && state.suite.list === null;

export const isPlanDue = (state: RunState): boolean => awaitsPlan(state) && state.suite.list !== null;

/** Are all tests of this file known, though it was not run? */
export const isListed = ({ suite }: RunState, progress: FileProgress): boolean => suite.isPlanned && progress.tests.size > 0;

/** Compares what a worker collected of one file with what the whole list held of it. */
export function compareDigest({ suite, opened }: RunState, file: TestFile, digest: string | null): void {
  const expected = opened.digests[file];
  if (opened.spec.collect !== 'file' || digest === null || expected === undefined || expected === digest) return;
  suite.inseparable ??= `${file} holds other tests when it is collected alone`;
}

/** The part of the list that no plan holds yet: all of it at first, later what another agent could not collect. */
export function unplannedList({ suite, tests }: RunState): SuiteList | null {
  if (suite.list === null || suite.failureChances === null) return suite.list;
  const groups = suite.list.groups.filter(({ nodeids }) => nodeids.some((nodeid) => !tests.has(nodeid)));
  return { ...suite.list, groups, others: [], tail: null };
}

/** Agents whose list is another one: a position in it means nothing in the plan. */
export function decideOddLists(state: RunState): readonly Action[] {
  const { list, hashOf } = state.suite;
  if (!isSuite(state) || list === null) return [];
  return [...hashOf].flatMap(([id, hash]): Action[] => {
    const agent = state.agents.get(id);
    const isOdd = hash !== list.hash && agent?.presence === 'alive' && agent.conduct.dismissedFor === null;
    return isOdd ? [{ kind: 'dismiss-agent', agent: id, why: 'other-list' }] : [];
  });
}
