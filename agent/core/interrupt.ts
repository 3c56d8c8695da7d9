// Why an attempt must stop early, and how long its running test may continue.

import { type InterruptCause, interruptCauses } from '../../shared/domain/attempt.ts';
import type { Drain } from '../../shared/domain/run-spec.ts';

const INTERRUPT_MS = 1000;
const KILL_MS = 3000;

/**
 * Milliseconds from the interruption until the running test gets Ctrl-C, so that its fixtures are torn down, and until it is killed. Ctrl-C
 * ends a whole session: null if the session goes on.
 */
export interface Grace {
  readonly interruptMs: number | null;
  readonly killMs: number;
}

/** The cause with which `interrupt` was aborted. */
export function causeOf(interrupt: AbortSignal): InterruptCause {
  return interruptCauses.find((cause) => cause === interrupt.reason) ?? 'cancelled';
}

/** The time that an attempt has left after an interruption for `cause`. At a deadline it is exactly the time that the run allows. */
export function graceOf(cause: InterruptCause, drain: Drain | null): Grace {
  if (cause === 'deadline' && drain !== null) return { interruptMs: drain.interruptMs, killMs: drain.killMs };
  return { interruptMs: cause === 'superseded' ? null : INTERRUPT_MS, killMs: KILL_MS };
}
