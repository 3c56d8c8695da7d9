// How lists and the shards made of them change what is known of a run.

import type { AgentId, NodeId, TestFile } from '../../../../shared/domain/ids.ts';
import type { Shard } from '../../../../shared/domain/shard.ts';
import type { SuiteList } from '../../../../shared/domain/suite-list.ts';
import { expectTest } from '../attempt-progress.ts';
import type { CoordinatorEvent } from '../events.ts';
import { addShard, dropShards } from '../moves.ts';
import { newProgress, plannedFiles, type ShardRecord } from '../records.ts';
import type { RunState } from '../run-state.ts';
import { forgetErrors } from './collect-errors.ts';
import { weighLists } from './doubts.ts';

/**
 * An agent's list. The first counts; another one takes its place where it holds files that the first agent could not collect, as that was the
 * agent's fault then and not the suite's.
 */
export function applyList(state: RunState, agent: AgentId, list: SuiteList): void {
  const { suite } = state;
  suite.lists.set(agent, list);
  suite.proof ??= list.proof;
  if (suite.list === null) Object.assign(suite, { list, owner: agent });
  else if (list.hash !== suite.list.hash && list.groups.length > 0 && list.failed.length < suite.list.failed.length) {
    const before = suite.list;
    Object.assign(suite, { list, owner: agent, isPlanned: false });
    for (const file of before.failed) if (!list.failed.includes(file)) dropErrors(state, file);
  }
  weighLists(state, agent);
}

/** Only agents with another list could not collect the file. What it holds is planned anew, so what was run of it stays as it is. */
function dropErrors(state: RunState, file: TestFile): void {
  state.doubts.delete(file);
  forgetErrors(state, file);
}

/** Shards of a list: the first take the place of all that was planned, later ones hold what the list before did not have. */
export function applySuitePlan(state: RunState, { shards, failureChances }: Extract<CoordinatorEvent, { kind: 'suite-planned' }>): void {
  const { list } = state.suite;
  if (list === null || state.suite.isPlanned) return;
  if (state.suite.failureChances === null) dropShards(state);
  state.suite.failureChances = { ...state.suite.failureChances, ...failureChances };
  const tests = testsByFile(list);
  for (const shard of shards) {
    const record: ShardRecord = { shard, state: { kind: 'planned' }, files: plannedFiles(shard), isPart: false };
    addShard(state, record);
    for (const selector of shard.selectors) {
      const progress = record.files.get(selector.file) ?? newProgress(selector.file, []);
      for (const nodeid of selectedBy(selector, tests.get(selector.file) ?? [])) expectTest(state, progress, nodeid);
    }
  }
  state.suite.isPlanned = true;
}

/** The tests of each file, in the order of the list. */
export function testsByFile(list: SuiteList): ReadonlyMap<TestFile, readonly NodeId[]> {
  const tests = new Map<TestFile, NodeId[]>();
  for (const { file, nodeids } of list.groups) {
    const known = tests.get(file);
    if (known === undefined) tests.set(file, [...nodeids]);
    else known.push(...nodeids);
  }
  return tests;
}

/** Those of a file's tests that a selector surely means: of a part that takes what no other has, nobody knows before it ran. */
function selectedBy(selector: Shard['selectors'][number], tests: readonly NodeId[]): readonly NodeId[] {
  switch (selector.kind) {
    case 'file':
      return tests;
    case 'tests':
      return selector.nodeids;
    case 'part':
      return [];
  }
}
