// Applies agents' lists, and the shards planned from them, to a run's state.

import type { AgentId, NodeId, TestFile } from '../../../../shared/domain/ids.ts';
import type { Shard } from '../../../../shared/domain/shard.ts';
import type { SuiteList } from '../../../../shared/domain/suite/suite-list.ts';
import { expectTest } from '../attempts/attempt-progress.ts';
import type { SuitePlan } from '../events.ts';
import { addShard, dropShards } from '../moves.ts';
import { newProgress, plannedFiles, type ShardRecord } from '../records.ts';
import type { RunState } from '../run-state.ts';
import { forgetErrors } from './collect-errors.ts';
import { weighLists } from './doubts.ts';

/**
 * Records an agent's list. The first list counts, until another list holds files that the first agent could not collect: the error was then
 * the agent's fault, not the suite's. After the run has closed, nothing can be planned in the error's place, so it stands.
 */
export function applyList(state: RunState, agent: AgentId, list: SuiteList): void {
  const { suite } = state;
  suite.lists.set(agent, list);
  suite.proof ??= list.proof;
  if (suite.list === null) Object.assign(suite, { list, owner: agent });
  else if (
    state.closed === null &&
    list.hash !== suite.list.hash &&
    list.groups.length > 0 &&
    list.failed.length < suite.list.failed.length
  ) {
    const before = suite.list;
    Object.assign(suite, { list, owner: agent, isPlanned: false });
    for (const file of before.failed) if (!list.failed.includes(file)) dropErrors(state, file);
  }
  weighLists(state, agent);
}

/**
 * Drops the errors of a file that only agents with another list could not collect. The file's tests are planned anew, so its earlier
 * results stay as they are.
 */
function dropErrors(state: RunState, file: TestFile): void {
  state.doubts.delete(file);
  forgetErrors(state, file);
}

/** Applies the shards of a list. The first plan replaces all planned shards; later plans add what the earlier list lacked. */
export function applySuitePlan(state: RunState, { shards, failureChances }: SuitePlan): void {
  const { list } = state.suite;
  if (list === null || state.suite.isPlanned) return;
  if (state.suite.failureChances === null) dropShards(state);
  state.suite.failureChances = { ...state.suite.failureChances, ...failureChances };
  const tests = testsByFile(list);
  const needs = new Map((list.needs ?? []).map(({ nodeid, needs: own }) => [nodeid, own]));
  for (const shard of shards) {
    const record: ShardRecord = { shard, state: { kind: 'planned' }, files: plannedFiles(shard), isPart: false, waits: [] };
    addShard(state, record);
    for (const selector of shard.selectors) {
      const progress = record.files.get(selector.file) ?? newProgress(selector.file, []);
      for (const nodeid of selectedBy(selector, tests.get(selector.file) ?? [])) {
        expectTest(state, progress, nodeid);
        const own = needs.get(nodeid);
        if (own !== undefined) progress.needs.set(nodeid, own);
      }
    }
  }
  state.suite.isPlanned = true;
}

/** The tests of each file in list order. */
export function testsByFile(list: SuiteList): ReadonlyMap<TestFile, readonly NodeId[]> {
  const tests = new Map<TestFile, NodeId[]>();
  for (const { file, nodeids } of list.groups) {
    const known = tests.get(file);
    if (known === undefined) tests.set(file, [...nodeids]);
    else known.push(...nodeids);
  }
  return tests;
}

/** The file's tests that a selector certainly covers. A part that takes all unnamed tests is known only after it ran. */
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
