// One test as it began: what a replay goes by.

import type { AgentId, AttemptId, NodeId } from './ids.ts';
import type { Outcome } from './outcome.ts';

/** One test as it began on an xdist worker; `outcome` null where it never came. */
export interface BegunTest {
  readonly nodeid: NodeId;
  readonly agent: AgentId;
  readonly worker: string;
  readonly attempt: AttemptId;
  readonly at: number;
  readonly outcome: Outcome | null;
}
