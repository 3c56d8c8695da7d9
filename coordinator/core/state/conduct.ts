// What the results of an agent say about it: whether it serves the run, and what its dismissal changes. Whom to dismiss is quarantine.ts's.

import type { AgentId } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import { OTHER } from './changes.ts';
import type { DismissalCause } from './events.ts';
import type { AgentRecord, TestRecord } from './records.ts';
import type { RunState } from './run-state.ts';

/** A result of this agent that counts. */
export function observeResult(state: RunState, agent: AgentId, test: TestRecord, outcome: Outcome): void {
  const record = state.agents.get(agent);
  if (record === undefined) return;
  const { conduct } = record;
  // Beside an agent that does well again another may be taken out.
  if (!isFailure(outcome) && !isWell(record)) state.changes.push(OTHER);
  conduct.notStarted = 0;
  if (isFailure(outcome)) {
    conduct.streak.push(test);
    // What it still ran when it was taken out is as doubtful as what made it so.
    if (conduct.dismissedFor !== null) test.isDoubted = true;
  } else {
    conduct.passes += 1;
    conduct.streak = [];
  }
}

/** May its results count: is its workspace the run's, or does nobody ask? */
export const isRefused = ({ opened }: RunState, { differences }: AgentRecord): boolean =>
  opened.spec.fingerprintPolicy === 'strict' && differences.refused.length > 0;
export function isOfRefused(state: RunState, id: AgentId): boolean {
  const agent = state.agents.get(id);
  return agent !== undefined && isRefused(state, agent);
}

/** Is it there, and neither taken out nor refused? */
export const isServing = (state: RunState, agent: AgentRecord): boolean =>
  agent.presence === 'alive' && agent.conduct.dismissedFor === null && !isRefused(state, agent);
export const isWell = ({ conduct: { passes, streak, notStarted } }: AgentRecord): boolean =>
  passes > 0 && streak.length === 0 && notStarted === 0;
/** The agent is out. What failed in its last streak may be its doing, and is owed another run. */
export function applyDismissal(state: RunState, id: AgentId, why: DismissalCause): void {
  const conduct = state.agents.get(id)?.conduct;
  if (conduct === undefined || conduct.dismissedFor !== null) return;
  conduct.dismissedFor = why;
  conduct.dismissedAfter = why === 'failures' ? conduct.streak.length : conduct.notStarted;
  for (const test of conduct.streak) test.isDoubted = true;
  // What else failed there may come of the same as what it collects otherwise.
  if (why === 'collection' || why === 'other-list') for (const test of state.failed) if (test.accepted?.agent === id) test.isDoubted = true;
}
