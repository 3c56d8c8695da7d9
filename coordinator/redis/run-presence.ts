// What a look at the run finds: its agents and their attempts, or that Redis has lost it. It does not announce the run again.
//
// kept → lost   a look finds the run missing, or in an earlier state
// lost → kept   the run is announced again

import type { AttemptId } from '../../shared/domain/ids.ts';
import type { Presence, PresenceOf } from '../ports.ts';
import type { AttemptQueue } from './attempt-queue.ts';
import type { CoordinatorEpoch } from './coordinator-epoch.ts';

export interface RunPresence {
  /** See `RunChannel.presence`. */
  look(): Promise<Presence>;
  /** See `RunChannel.presenceBesideQueue`. */
  lookBesideQueue(): Promise<PresenceOf<null>>;
  /** The run is announced again. */
  regained(): void;
}

/** Calls `missing` when Redis has no key of the run. */
export function createRunPresence(
  epoch: Pick<CoordinatorEpoch, 'look'>,
  queue: Pick<AttemptQueue, 'waiting' | 'taken' | 'isKnown'>,
  missing: () => void,
): RunPresence {
  let run: 'kept' | 'lost' = 'kept';
  const look = async <Waiting>(listQueue: () => Promise<Waiting>): Promise<PresenceOf<Waiting>> => {
    if (run === 'lost') return { kind: 'unknown' };
    const found = await epoch.look();
    if (found.kind !== 'here') {
      run = 'lost';
      const isMissing = found.kind === 'missing';
      if (isMissing) missing();
      return { kind: 'emptied', isMissing };
    }
    // Read queued jobs before active ones: a job that moves in between is then in at least one list.
    const waiting = await listQueue();
    const taken = await queue.taken();
    return {
      kind: 'here',
      isCancelled: found.isCancelled,
      alive: [...found.agents.keys()],
      waiting,
      taken,
      holding: new Map([...found.agents].map(([agent, held]): [typeof agent, AttemptId[]] => [agent, held.filter(queue.isKnown)])),
    };
  };
  return {
    look: () => look(queue.waiting),
    lookBesideQueue: () => look(async () => null),
    regained() {
      run = 'kept';
    },
  };
}
