// Lists the actions that `decide` can return. The run loop carries them out and records each one as an event.

import type { AttemptRole, InterruptCause } from '../../../shared/domain/attempt.ts';
import type { AgentId, AttemptId, ShardId } from '../../../shared/domain/ids.ts';
import type { UnitsClaim } from '../../../shared/domain/leased-units.ts';
import type { Needs } from '../../../shared/domain/needs.ts';
import type { NotRunReason } from '../../../shared/domain/outcome.ts';
import type { CloseReason, DismissalCause } from '../state/events.ts';

export type Action =
  | { readonly kind: 'plan-suite' }
  | { readonly kind: 'start-attempt'; readonly shard: ShardId; readonly role: AttemptRole }
  | { readonly kind: 'dismiss-agent'; readonly agent: AgentId; readonly why: DismissalCause }
  | { readonly kind: 'ask-agent'; readonly agent: AgentId }
  | { readonly kind: 'split-shard'; readonly shard: ShardId }
  /** Divides the shard by what its tests need. */
  | { readonly kind: 'divide-shard'; readonly shard: ShardId }
  | { readonly kind: 'await-needs'; readonly shard: ShardId; readonly lacks: Needs }
  /** Claims these units of resources that the run shares with others, and nothing else for attempts that are not enqueued yet. */
  | { readonly kind: 'claim-units'; readonly claims: readonly UnitsClaim[] }
  | { readonly kind: 'lose-attempt'; readonly attempt: AttemptId }
  | { readonly kind: 'give-up-shard'; readonly shard: ShardId; readonly why: NotRunReason }
  | { readonly kind: 'cancel-attempt'; readonly attempt: AttemptId; readonly by: InterruptCause }
  | { readonly kind: 'close-run'; readonly why: CloseReason };
