// What one event changed in a run's state, in the order in which it did. `reduce` returns the list; who watches a run or decides what follows needs no
// copy of the state from before.

import type { AgentId, TestFile } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import type { AcceptedResult, AgentRecord, AttemptRecord, AttemptState, ShardRecord, ShardState, TestRecord } from './records.ts';

/** A result that counts: the first one of its test, or one of a rerun. */
export interface ResultAccepted {
  readonly kind: 'result-accepted';
  readonly test: TestRecord;
  readonly accepted: AcceptedResult;
  /** Set for a rerun: which one it is, of how many, and the outcome of the test until now. */
  readonly rerun: { readonly count: number; readonly of: number; readonly outcome: Outcome } | null;
}

export type Change =
  | ResultAccepted
  | { readonly kind: 'shard-moved'; readonly shard: ShardRecord; readonly from: ShardState['kind'] }
  | { readonly kind: 'agent-moved'; readonly agent: AgentRecord; readonly from: AgentRecord['presence'] | null }
  | { readonly kind: 'attempt-moved'; readonly attempt: AttemptRecord; readonly from: AttemptState['kind'] }
  /** A collection error of a file is on record for the first time. */
  | { readonly kind: 'collect-error'; readonly file: TestFile; readonly agent: AgentId }
  /** Something else that a decision may rest on: time, an attempt, what is known of a file or an agent. */
  | { readonly kind: 'other' };

/**
 * May anything follow from these changes? Results that are no failures are most of a run's events and change no decision by themselves: the end of
 * their file does, which is a change of its own.
 */
export const callsForDecision = (changes: readonly Change[]): boolean =>
  changes.some((change) => change.kind !== 'result-accepted' || isFailure(change.accepted.result.outcome) || change.rerun !== null);

export const OTHER: Change = { kind: 'other' };
