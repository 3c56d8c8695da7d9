// Decides what happens to an attempt whose xdist worker died.

/** The number of workers that may end between an attempt's tests before the attempt counts as crashed. */
const UNEXPLAINED_LIMIT = 2;

export interface Loss {
  readonly isWorkLeft: boolean;
  /** Whether the attempt had to stop anyway, or its session is gone. */
  readonly isStopped: boolean;
  /** Whether a test or a file was to blame for the death. */
  readonly isBlamed: boolean;
  /** The number of workers that ended during this attempt without a test to blame, this one included. */
  readonly unexplained: number;
}

/** `again`: another worker runs the rest. */
export function afterLoss({ isWorkLeft, isStopped, isBlamed, unexplained }: Loss): 'finished' | 'again' | 'crashed' {
  if (!isWorkLeft) return 'finished';
  if (isStopped) return 'crashed';
  return isBlamed || unexplained <= UNEXPLAINED_LIMIT ? 'again' : 'crashed';
}
