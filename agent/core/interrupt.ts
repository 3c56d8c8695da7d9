// Why an attempt is to stop early, and how long what runs may go on.

import { type InterruptCause, interruptCauses } from '../../shared/domain/attempt.ts';
import type { Drain } from '../../shared/domain/run-spec.ts';

const KILL_MS = 3000;

/** From the word to stop: when the test that is on gets Ctrl-C, and when it is killed. */
export interface Grace {
  readonly interruptMs: number;
  readonly killMs: number;
}

/** The cause that a signal was aborted with. */
export function causeOf(interrupt: AbortSignal): InterruptCause {
  return interruptCauses.find((cause) => cause === interrupt.reason) ?? 'cancelled';
}

/** What an attempt that is interrupted for `cause` may still take: at a deadline as much as the run has for it, and no more. */
export function graceOf(cause: InterruptCause, drain: Drain | null): Grace {
  if (cause !== 'deadline' || drain === null) return { interruptMs: 0, killMs: KILL_MS };
  return { interruptMs: drain.interruptMs, killMs: drain.killMs };
}
