// One started test, as a replay needs it.

import type { AgentId, AttemptId, NodeId } from './ids.ts';
import type { Outcome } from './outcome.ts';

/** One test that started on an xdist worker. `at` is in milliseconds since the epoch; `outcome` is null if no result arrived. */
export interface BegunTest {
  readonly nodeid: NodeId;
  readonly agent: AgentId;
  readonly worker: string;
  readonly attempt: AttemptId;
  readonly at: number;
  readonly outcome: Outcome | null;
}
