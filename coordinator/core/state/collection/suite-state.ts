// Defines the state of collecting a whole suite.

import type { AgentId, NodeId, ShardId, TestFile } from '../../../../shared/domain/ids.ts';
import type { SuiteList, SuiteProof } from '../../../../shared/domain/suite-list.ts';
import type { Mismatch, RunOpened } from '../events.ts';

/**
 * Why the files of a suite depend on each other. `file`: the test file whose change may end that, because a run by file would find the same
 * reason again; null if it could miss it.
 */
export interface Inseparable {
  readonly why: string;
  readonly file: TestFile | null;
}

export interface SuiteState {
  /** The list that the plan uses, and the agent that sent it; null until one is received. */
  list: SuiteList | null;
  owner: AgentId | null;
  /** Hash and uncollected files of each agent's list, to compare the lists. */
  readonly lists: Map<AgentId, Pick<SuiteList, 'hash' | 'failed'>>;
  /** True if the present list is planned. */
  isPlanned: boolean;
  /** Failure chances of the list's shards; null before the first plan. */
  failureChances: Readonly<Record<ShardId, number>> | null;
  /** Proof from the collection of the whole list; null without one. */
  proof: SuiteProof | null;
  /** Why the files depend on each other; null if nothing shows that they do. */
  inseparable: Inseparable | null;
  /**
   * The first file that held other tests than the remembered whole list; null without one. Either the file has changed since, or collecting
   * it alone differs.
   */
  mismatch: Mismatch | null;
  /**
   * A test that failed with the whole list and passes by file; null without one. Not remembered, because a code change may have fixed it.
   */
  doubtfulPass: string | null;
  /** Tests that failed in the newest run with the whole list. */
  readonly failedWhole: ReadonlySet<NodeId>;
  /** Why pytest refuses the paths or options; null if it accepts them. */
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
  doubtfulPass: null,
  failedWhole: new Set(opened.failedWhole),
  refusal: null,
});
