// The key of a run's coordinator, as an agent sees it: each coordinator begins its epoch with its own key, by the first message of that epoch.

import { ShardlineError } from '../../errors.ts';
import type { Verifier } from '../signature.ts';

/**
 * Refuses, beside what `verifier` refuses, commands of an earlier epoch, because another coordinator has taken the run over since, and
 * messages of the present epoch with another key than its first. Attempts of an earlier epoch are still in their queue.
 */
export function oneKeyPerEpoch(verifier: Verifier): Verifier {
  let present = { epoch: 0, keyId: '' };
  return {
    isStrict: verifier.isStrict,
    verify(message, source) {
      const most = verifier.verify(message, source);
      const { type, epoch, keyId } = message;
      // A spec has no epoch: the pool reads it before the run is joined.
      if (!verifier.isStrict || (type !== 'command' && type !== 'attempt')) return most;
      if (epoch < present.epoch && type === 'command') throw new ShardlineError('past-epoch', { source });
      if (epoch === present.epoch && keyId !== present.keyId)
        throw new ShardlineError('other-key', { source, sender: 'the coordinator of this epoch' });
      if (epoch > present.epoch) present = { epoch, keyId };
      return most;
    },
    knows: (message) => verifier.knows(message),
  };
}
