// What is known of the whole list of a suite's tests.

import type { AgentId, NodeId, ShardId } from '../../../../shared/domain/ids.ts';
import type { SuiteList, SuiteProof } from '../../../../shared/domain/suite-list.ts';
import type { Mismatch, RunOpened } from '../events.ts';

export interface SuiteState {
  /** The list that the plan rests on, and the agent that sent it; null until one has. */
  list: SuiteList | null;
  owner: AgentId | null;
  /** What tells each agent's list from others: tests, and what could not be collected. */
  readonly lists: Map<AgentId, Pick<SuiteList, 'hash' | 'failed'>>;
  /** Was the list planned, as it is now? */
  isPlanned: boolean;
  /** Of the shards of the list; null before the first plan. */
  failureChances: Readonly<Record<ShardId, number>> | null;
  /** What the collection of the whole list has shown; null without one. */
  proof: SuiteProof | null;
  /** What showed that the files depend on each other; null where nothing did. */
  inseparable: string | null;
  /** The first file that held other tests than in the whole list that is remembered; null without one. Either has changed since, or they differ. */
  mismatch: Mismatch | null;
  /** A test that passes only beside modules which other test files load; null without one. Workers of later runs load them. */
  lacksModules: string | null;
  /** A test that failed with the whole list and passes by file; null without one. It is not remembered: a change of the code may have fixed it. */
  doubtfulPass: string | null;
  /** Tests that failed in the newest run with the whole list. */
  readonly failedWhole: ReadonlySet<NodeId>;
  /** What pytest says of paths or options that it refuses; null where it takes them. */
  refusal: string | null;
}

export const newSuiteState = (opened: RunOpened): SuiteState => ({
  list: null,
  owner: null,
  lists: new Map(),
  isPlanned: false,
  failureChances: null,
  proof: null,
  inseparable: null,
  mismatch: null,
  lacksModules: null,
  doubtfulPass: null,
  failedWhole: new Set(opened.failedWhole),
  refusal: null,
});
