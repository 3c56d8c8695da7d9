// Why an attempt is to stop early, and how long what runs may go on.

import { type InterruptCause, interruptCauses } from '../../shared/attempt.ts';

const INTERRUPT_MS = 3000;
/** When the run's time is over there is none to give. */
const DEADLINE_INTERRUPT_MS = 300;

/** The cause that a signal was aborted with. */
export function causeOf(interrupt: AbortSignal): InterruptCause {
  return interruptCauses.find((cause) => cause === interrupt.reason) ?? 'cancelled';
}

/** How long an interrupted attempt may go on with the test it is at. */
export const interruptMs = (interrupt: AbortSignal): number => (causeOf(interrupt) === 'deadline' ? DEADLINE_INTERRUPT_MS : INTERRUPT_MS);
