// Decides what it costs a finished run that its test durations could not be saved.

import { ShardlineError } from '../../../shared/errors.ts';
import { isGivenUp } from '../../../shared/redis/retry-while-unavailable.ts';

/**
 * Resolves once `saving` has ended, with the problem to warn of; null for none. Rejects with a problem that the exit code must show: a file
 * that the user requested was not written, or a defect.
 */
export async function durationsWarning(saving: Promise<void>, isRequested: boolean): Promise<ShardlineError | null> {
  try {
    await saving;
    return null;
  } catch (thrown) {
    // The verdict does not depend on a Redis that is lost after the last result.
    if (isGivenUp(thrown)) {
      return new ShardlineError('output-not-writable', { path: 'Redis', problem: 'the connection was lost' }, { cause: thrown });
    }
    // If the user did not ask to keep durations, a read-only workspace must not fail the run.
    if (!isRequested && thrown instanceof ShardlineError && thrown.code === 'output-not-writable') return thrown;
    throw thrown;
  }
}
