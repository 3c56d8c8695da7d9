// Defines the changes that one event makes to a run's state, in order. `reduce` returns them, so observers and decisions need no copy of
// the earlier state.

import type { AgentId, TestFile } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import type { AcceptedResult, AgentRecord, AttemptRecord, AttemptState, ShardRecord, ShardState, TestRecord } from './records.ts';

/** A counted result: the first one of its test, or one of a rerun. */
export interface ResultAccepted {
  readonly kind: 'result-accepted';
  readonly test: TestRecord;
  readonly accepted: AcceptedResult;
  /** Set for a rerun: its number, the number allowed, and the test's outcome before it. */
  readonly rerun: { readonly count: number; readonly of: number; readonly outcome: Outcome } | null;
}

export type Change =
  | ResultAccepted
  | { readonly kind: 'shard-moved'; readonly shard: ShardRecord; readonly from: ShardState['kind'] }
  | { readonly kind: 'agent-moved'; readonly agent: AgentRecord; readonly from: AgentRecord['presence'] | null }
  | { readonly kind: 'attempt-moved'; readonly attempt: AttemptRecord; readonly from: AttemptState['kind'] }
  /** The first collection error of a file was recorded. */
  | { readonly kind: 'collect-error'; readonly file: TestFile; readonly agent: AgentId }
  /** Batches of an agent are missing, because a later one came before them. */
  | { readonly kind: 'messages-missing'; readonly agent: AgentId; readonly messages: number }
  /** Another change that a decision may depend on: time, an attempt, or what is known about a file or an agent. */
  | { readonly kind: 'other' };

/**
 * True if these changes may lead to a decision. Results that are no failures are most of a run's events and lead to none; the end of their
 * file does and is a change of its own.
 */
export const callsForDecision = (changes: readonly Change[]): boolean =>
  changes.some((change) => change.kind !== 'result-accepted' || isFailure(change.accepted.result.outcome) || change.rerun !== null);

export const OTHER: Change = { kind: 'other' };
