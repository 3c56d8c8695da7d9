// One execution of one shard: its request, and how it can end.

import type { ErrorCode } from '../errors.ts';
import type { AgentId, AttemptId, NodeId, ShardId } from './ids.ts';
import type { Needs } from './needs.ts';
import type { Selector } from './shard.ts';

/**
 * A `serial` attempt runs tests that must run alone, when nothing else of the run is left. A `rerun` runs failed tests again. A `recheck`
 * tries a file that another agent could not collect.
 */
export const attemptRoles = ['primary', 'retry', 'backup', 'serial', 'rerun', 'recheck'] as const;
export type AttemptRole = (typeof attemptRoles)[number];

/**
 * Whether nothing else of the shard runs beside it, so that its serial tests need not be postponed. The coordinator ensures this for
 * reruns.
 */
export const runsAlone = (role: AttemptRole): boolean => role === 'serial' || role === 'rerun';

/** The labels of agents, sorted: agents with the same labels share a queue, besides the queue of all agents. */
export type Lane = readonly string[];

/** The coordinator enqueues it; one BullMQ job is one attempt. `fence` only rises within a shard. */
export interface AttemptRequest {
  readonly id: AttemptId;
  readonly shard: ShardId;
  readonly fence: number;
  readonly role: AttemptRole;
  readonly selectors: readonly Selector[];
  readonly predictedSeconds: number;
  /**
   * Agents that leave the attempt to others for a few seconds: for example the agent that runs the attempt which this one backs up, or the
   * agent on which the tests failed.
   */
  readonly avoid: readonly AgentId[];
  /** What the attempt may use: it runs only tests that need no more. Absent if nothing. */
  readonly needs?: Needs | undefined;
  /** Only agents with exactly these labels get the attempt. Absent for every agent. */
  readonly lane?: Lane | undefined;
}

export const interruptCauses = ['deadline', 'superseded', 'shutdown', 'maxfail', 'cancelled', 'pytest-exit'] as const;
export type InterruptCause = (typeof interruptCauses)[number];

/** How an attempt stopped. The first cause wins and is never overwritten. `running` is the test that was running when a session crashed. */
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
