// Claims the lease of a run, and waits for a coordinator that holds it to be gone. Redis decides who gets the lease; this file decides
// when to ask, and when a coordinator counts as gone.
//
// claimed → granted     no coordinator holds the lease
// claimed → held        another coordinator holds it
// held → suspect        the lease has expired, or its holder is not connected
// suspect → held        the holder has renewed the lease, or is connected again
// suspect → claimed     the next look finds the same; the claim is granted unless the lease is renewed before
// held → released       the holder has ended the run, and writes its reports until it disconnects
// released → claimed    it is not connected any more

import { assertNever } from '../shared/assert-never.ts';
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

/** How to wait for a lease, in milliseconds. */
export interface LeasePatience {
  readonly lookMs: number;
  /** After this time a lease that is still renewed is not waited for any longer. */
  readonly waitMs: number;
  /** How long a lease that was held must be missing, where only Redis loses it. Its holder may write it again. */
  readonly missingMs: number;
}

/** Long enough to find that a frozen coordinator is gone. */
export const PATIENCE: LeasePatience = { lookMs: LOOK_MS, waitMs: LEASE_MS + 4 * LOOK_MS, missingMs: 0 };

/** A lease, as one process sees it. */
export interface LeasePort {
  /** Claims the lease; null if another coordinator holds it. `gone` is the renewal of a lease whose holder is gone; `''` for none. */
  claim(gone: string): Promise<Granted | null>;
  /** Looks at the lease. `before` held it in the last look. */
  look(before: LeaseHolder | null): Promise<Lease>;
}

export interface Granted {
  readonly epoch: number;
  /** The run existed before. */
  readonly isFound: boolean;
}

export type Lease =
  /** `isConnected`: whether the one that held it before is connected to Redis; null if that cannot be known. */
  | { readonly kind: 'free'; readonly isConnected: boolean | null }
  | {
      readonly kind: 'held';
      readonly holder: LeaseHolder;
      /** Differs after each renewal. */
      readonly renewal: string;
      readonly isExpired: boolean;
      /** Whether the holder is connected to Redis; null if that cannot be known. */
      readonly isConnected: boolean | null;
    };

/** Where another lease has shown that the holder is gone. */
export const KNOWN_GONE: LeasePatience = { ...PATIENCE, lookMs: 200 };

/** For a run that no coordinator has served. */
export const NEW_RUN: TakeOver = {
  earlier: async () => ({ attempts: [], keys: new Map() }),
  onWait: () => undefined,
  signal: new AbortController().signal,
  isKnownGone: false,
};

/** In place of a renewal: no coordinator holds the lease. */
const FREE = '';

/** Resolves once the lease is granted. Throws `run-is-served` if its holder stays, and the signal's reason. */
export async function claimLease(
  runId: RunId,
  { claim, look }: LeasePort,
  { onWait, signal }: Pick<TakeOver, 'onWait' | 'signal'>,
  clock: Clock,
  { lookMs, waitMs, missingMs }: LeasePatience = PATIENCE,
): Promise<Granted> {
  const until = clock.now() + waitMs;
  let granted = await orAborted(claim(FREE), signal);
  let holder: LeaseHolder | null = null;
  let suspect: string | null = null;
  let missingSince: number | null = null;
  for (let looks = 1; granted === null; looks += 1) {
    const lease: Lease = await orAborted(look(holder), signal);
    if (lease.kind === 'held') holder = lease.holder;
    const before: string | null = suspect;
    suspect = suspectIn(lease);
    missingSince = lease.kind === 'free' ? (missingSince ?? clock.now()) : null;
    const isMissing = missingSince !== null && (holder === null || clock.now() - missingSince >= missingMs);
    const isGone = suspect === FREE ? isMissing : suspect === before;
    if (suspect !== null && isGone) granted = await orAborted(claim(suspect), signal);
    if (granted !== null) break;
    // A holder that looks gone for the first time gets one more look. One that renews its lease is alive, whatever its connections show.
    if (holder !== null && clock.now() >= until && (suspect === null || before !== null)) {
      throw new ShardlineError('run-is-served', { runId, host: holder.host, pid: holder.pid, seconds: waitMs / 1000 });
    }
    // Most holders are dead, and the second look shows it.
    if (holder !== null && looks === 2) onWait(holder, waitMs / 1000);
    await clock.wait(lookMs, signal);
  }
  return granted;
}

/** The renewal of a lease whose holder looks gone; null if the holder looks alive. */
function suspectIn(lease: Lease): string | null {
  switch (lease.kind) {
    case 'free':
      return lease.isConnected === true ? null : FREE;
    case 'held':
      return lease.isExpired || lease.isConnected === false ? lease.renewal : null;
    default:
      return assertNever(lease);
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
