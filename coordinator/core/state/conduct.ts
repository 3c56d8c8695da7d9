// Tracks how results reflect on their agent: whether it serves the run, and what its dismissal changes. quarantine.ts decides dismissals.

import type { AgentId } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import { OTHER } from './changes.ts';
import type { DismissalCause } from './events.ts';
import type { AgentRecord, TestRecord } from './records.ts';
import type { RunState } from './run-state.ts';

/** Records a counted result of this agent. */
export function observeResult(state: RunState, agent: AgentId, test: TestRecord, outcome: Outcome): void {
  const record = state.agents.get(agent);
  if (record === undefined) return;
  const { conduct } = record;
  // Once this agent does well again, another one may be dismissed.
  if (!isFailure(outcome) && !isWell(record)) state.changes.push(OTHER);
  conduct.notStarted = 0;
  if (isFailure(outcome)) {
    conduct.streak.push(test);
    // Results that arrive after the dismissal are as doubtful as those that led to it.
    if (conduct.dismissedFor !== null) test.isDoubted = true;
  } else {
    conduct.passes += 1;
    conduct.streak = [];
  }
}

/** True if the agent's results must not count: its workspace differs from the run's and the policy is `strict`. */
export const isRefused = ({ opened }: RunState, { differences }: AgentRecord): boolean =>
  opened.spec.fingerprintPolicy === 'strict' && differences.refused.length > 0;
export function isOfRefused(state: RunState, id: AgentId): boolean {
  const agent = state.agents.get(id);
  return agent !== undefined && isRefused(state, agent);
}

/** True if the agent is alive and neither dismissed nor refused. */
export const isServing = (state: RunState, agent: AgentRecord): boolean =>
  agent.presence === 'alive' && agent.conduct.dismissedFor === null && !isRefused(state, agent);
/** True if the agent serves the run and takes more attempts. */
export const takesWork = (state: RunState, agent: AgentRecord): boolean => isServing(state, agent) && !agent.isDraining;
export const isWell = ({ conduct: { passes, streak, notStarted } }: AgentRecord): boolean =>
  passes > 0 && streak.length === 0 && notStarted === 0;
/** Dismisses the agent. Failures of its last streak may be its fault, so those tests get another run. */
export function applyDismissal(state: RunState, id: AgentId, why: DismissalCause): void {
  const conduct = state.agents.get(id)?.conduct;
  if (conduct === undefined || conduct.dismissedFor !== null) return;
  conduct.dismissedFor = why;
  conduct.dismissedAfter = why === 'failures' ? conduct.streak.length : conduct.notStarted;
  for (const test of conduct.streak) test.isDoubted = true;
  // Its other failures may have the same cause as its different collection.
  if (why === 'collection' || why === 'other-list') for (const test of state.failed) if (test.accepted?.agent === id) test.isDoubted = true;
}
