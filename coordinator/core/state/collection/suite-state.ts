// Defines the state of collecting a whole suite.

import type { AgentId, NodeId, ShardId } from '../../../../shared/domain/ids.ts';
import type { Inseparable, SuiteList, SuiteProof } from '../../../../shared/domain/suite/suite-list.ts';
import type { Mismatch, RunOpened } from '../events.ts';

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
   * A test whose outcome differs from the newest run of the whole list, where that may be due to collection by file; null without one. Not
   * remembered, because a code change may be the reason.
   */
  doubtfulOutcome: string | null;
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
  doubtfulOutcome: null,
  failedWhole: new Set(opened.failedWhole),
  refusal: null,
});
