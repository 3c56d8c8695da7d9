// The coordinator's commands to every agent of a run, besides shards.

import type { InterruptCause } from './attempt.ts';
import type { AgentId, AttemptId } from './ids.ts';
import type { HowToCollect } from './suite/suite-list.ts';

export type ControlCommand =
  /** How to collect this suite. Agents wait for it before they collect anything. */
  | { readonly kind: 'collect'; readonly how: HowToCollect }
  /** The hash of the list that the plan is based on. An agent with the same list need not send it. */
  | { readonly kind: 'list-known'; readonly hash: string }
  /** The run does not know this agent: what it said of itself may be lost, and it says it again. */
  | { readonly kind: 'introduce-agent'; readonly agent: AgentId }
  | { readonly kind: 'cancel-attempt'; readonly attempt: AttemptId; readonly by: InterruptCause }
  /** This agent must leave the run: hand back its attempts and take no more. `problem` is the reason, for its user. */
  | { readonly kind: 'dismiss-agent'; readonly agent: AgentId; readonly problem: string }
  | { readonly kind: 'close-run'; readonly by: InterruptCause | 'done' };
