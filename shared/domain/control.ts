// What the coordinator tells every agent of a run, besides shards.

import type { InterruptCause } from './attempt.ts';
import type { AgentId, AttemptId } from './ids.ts';
import type { HowToCollect } from './suite-list.ts';

export type ControlCommand =
  /** How this suite is collected: agents wait for it before they collect anything. */
  | { readonly kind: 'collect'; readonly how: HowToCollect }
  /** The list that the plan rests on; an agent that has the same need not send it. */
  | { readonly kind: 'list-known'; readonly hash: string }
  | { readonly kind: 'cancel-attempt'; readonly attempt: AttemptId; readonly by: InterruptCause }
  /** This agent is to leave the run: hand back what it holds, and take nothing more. `problem` says why, for its user. */
  | { readonly kind: 'dismiss-agent'; readonly agent: AgentId; readonly problem: string }
  | { readonly kind: 'close-run'; readonly by: InterruptCause | 'done' };
