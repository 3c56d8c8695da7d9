// What the coordinator tells every agent of a run, besides shards.

import type { InterruptCause } from './attempt.ts';
import type { AttemptId } from './ids.ts';

export type ControlCommand =
  | { readonly kind: 'cancel-attempt'; readonly attempt: AttemptId; readonly by: InterruptCause }
  | { readonly kind: 'close-run'; readonly by: InterruptCause | 'done' };
