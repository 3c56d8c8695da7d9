// Claims the lease of a run, and waits for a coordinator that holds it to be gone. Redis decides who gets the lease; this file decides
// when to ask, and when a coordinator counts as gone.
//
// claimed → granted   no coordinator holds the lease
// claimed → held      another coordinator holds it
// held → suspect      the lease has expired, or its holder is not connected
// suspect → held      the holder has renewed the lease, or is connected again
// suspect → gone      the next look finds the same: the lease is claimed again, and granted unless it was renewed since

import type { Clock } from '../shared/clock.ts';
import type { RunId } from '../shared/domain/ids.ts';
import { ShardlineError } from '../shared/errors.ts';
import type { LeaseHolder } from '../shared/wire/lease-holder.ts';
import type { TakeOver } from './ports.ts';

/**
 * How long a lease lasts after its last renewal, in milliseconds. A coordinator renews it every second. A loaded machine may be silent for
 * 5 s (measured: 32 busy processes on 2 cores).
 */
export const LEASE_MS = 8000;
/** Interval of looks at a lease that is held. A coordinator that reconnects takes less, so it is missing in one look at most. */
const LOOK_MS = 1000;
/** After this time a lease that is still renewed is not waited for any longer. A frozen coordinator is found gone before. */
const WAIT_MS = LEASE_MS + 4 * LOOK_MS;

/** The answer to a claim. */
export type Claim = Granted | Held;

export interface Granted {
  readonly kind: 'granted';
  readonly epoch: number;
  /** The run existed before. */
  readonly isFound: boolean;
}

export interface Held {
  readonly kind: 'held';
  readonly holder: LeaseHolder;
  /** Differs after each renewal. */
  readonly renewal: string;
  readonly isExpired: boolean;
  /** Whether the holder is connected to Redis; null if that cannot be known. */
  readonly isConnected: boolean | null;
}

/** For a run that no coordinator has served. */
export const NEW_RUN: TakeOver = { earlier: async () => [], onWait: () => undefined, signal: new AbortController().signal };

/**
 * Resolves once the lease is granted. `claim` gets the renewal of a lease whose holder is gone, or null. Throws `run-is-served` if the
 * holder does not go, and the signal's reason.
 */
export async function claimLease(
  runId: RunId,
  claim: (gone: string | null) => Promise<Claim>,
  { onWait, signal }: Pick<TakeOver, 'onWait' | 'signal'>,
  clock: Clock,
): Promise<Granted> {
  const until = clock.now() + WAIT_MS;
  let suspect: string | null = null;
  let gone: string | null = null;
  for (let waits = 0; ; ) {
    const answer: Claim = await orAborted(claim(gone), signal);
    if (answer.kind === 'granted') return answer;
    const { holder, renewal }: Held = answer;
    const isSuspect: boolean = answer.isExpired || answer.isConnected === false;
    const wasSuspect = suspect !== null;
    gone = isSuspect && suspect === renewal ? renewal : null;
    suspect = isSuspect ? renewal : null;
    if (gone !== null) continue;
    // A holder that looks gone for the first time gets one more look. One that renews its lease is alive, whatever its connections show.
    if (clock.now() >= until && (!isSuspect || wasSuspect)) {
      throw new ShardlineError('run-is-served', { runId, host: holder.host, pid: holder.pid, seconds: WAIT_MS / 1000 });
    }
    // Most holders are dead, and the second look shows it.
    if (waits === 1) onWait(holder, WAIT_MS / 1000);
    waits += 1;
    await clock.wait(LOOK_MS, signal);
  }
}

/** Settles as `work` does, or rejects with the signal's reason: Redis may not answer for a long time. */
async function orAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
