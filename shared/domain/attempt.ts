// One execution of one shard: what is asked for, and how it can stop.

import type { ErrorCode } from '../errors.ts';
import type { AgentId, AttemptId, NodeId, ShardId } from './ids.ts';
import type { Selector } from './shard.ts';

/**
 * A `serial` attempt runs what must run alone, when nothing else of the run is left; a `rerun` runs again tests that failed; a
 * `recheck` tries a file that another agent could not collect.
 */
export const attemptRoles = ['primary', 'retry', 'backup', 'serial', 'rerun', 'recheck'] as const;
export type AttemptRole = (typeof attemptRoles)[number];

/** Does nothing else of the shard run beside it, so that nothing need be put off? Of reruns the coordinator sees to that. */
export const runsAlone = (role: AttemptRole): boolean => role === 'serial' || role === 'rerun';

/** What the coordinator enqueues; one BullMQ job is one attempt. `fence` only rises within a shard. */
export interface AttemptRequest {
  readonly id: AttemptId;
  readonly shard: ShardId;
  readonly fence: number;
  readonly role: AttemptRole;
  readonly selectors: readonly Selector[];
  readonly predictedSeconds: number;
  /** Agents that leave it to others, for a few seconds: such as whoever runs the attempt that this one backs up, or ran the tests that failed. */
  readonly avoid: readonly AgentId[];
}

export const interruptCauses = ['deadline', 'superseded', 'shutdown', 'maxfail', 'cancelled', 'pytest-exit'] as const;
export type InterruptCause = (typeof interruptCauses)[number];

/** How an attempt stopped. First cause wins: once set it is never overwritten. `running` is the test that was on when a session crashed. */
export type AttemptEnding =
  | { readonly kind: 'finished' }
  | { readonly kind: 'interrupted'; readonly by: InterruptCause }
  | {
      readonly kind: 'crashed';
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly running: NodeId | null;
      readonly detail: string;
    }
  | { readonly kind: 'not-started'; readonly error: ErrorCode; readonly detail: string }
  | { readonly kind: 'lost' };
