// Takes a lease in Redis: that of a run, or another of the same form. Renewing the lease of a run belongs to coordinator-epoch.ts, and
// waiting for a lease to lease-claim.ts.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import type { RunId } from '../../shared/domain/ids.ts';
import { coordinatorChannel, KEY_LIFE_SECONDS, type RunKeys } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { decodeHolder, encodeHolder, type LeaseHolder } from '../../shared/wire/lease-holder.ts';
import { claimLease, KNOWN_GONE, LEASE_MS, type LeasePort, PATIENCE } from '../lease-claim.ts';
import type { TakeOver } from '../ports.ts';
import type { LivenessLine } from './liveness-line.ts';
import { readScript } from './read-script.ts';
import { followSubscribers, type Subscribers } from './subscribers.ts';

const CLAIM = readScript('claim-lease');
const LOOK = readScript('look-at-lease');

export interface CoordinatorLease {
  readonly epoch: number;
  /** True if the run existed before. */
  readonly isFound: boolean;
  /** The encoded holder. */
  readonly holder: string;
}

export interface LeaseRequest {
  readonly redis: Redis;
  readonly runId: RunId;
  readonly keys: RunKeys;
  /** The encoded spec that agents read. */
  readonly spec: string;
  /** Shows that this command is connected; null if nothing does. */
  readonly line: LivenessLine | null;
}

/** Creates the run, or takes it over once its coordinator is gone. Throws `run-is-served`, and the reason of the signal. */
export async function takeLease(request: LeaseRequest, takeOver: TakeOver): Promise<CoordinatorLease> {
  const { redis, runId, keys, spec, line } = request;
  const holder = await ownHolder(line);
  const subscribers = followSubscribers(redis);
  const port = leasePort(
    { redis, keys: [keys.spec, keys.coordinator], text: spec, source: `the lease of run ${runId}` },
    holder,
    subscribers,
  );
  try {
    const { epoch, isFound } = await claimLease(runId, port, takeOver, systemClock, takeOver.isKnownGone ? KNOWN_GONE : PATIENCE);
    return { epoch, isFound, holder };
  } finally {
    subscribers.close();
  }
}

/** Describes this process as the holder of a lease, encoded. Differs with each call. */
export async function ownHolder(line: LivenessLine | null): Promise<string> {
  const subscribed = (await line?.isSubscribed) ? (line?.id ?? null) : null;
  return encodeHolder({ id: randomUUID(), host: hostname(), pid: process.pid, line: subscribed });
}

/** Where a lease is in Redis. */
export interface LeasePlace {
  readonly redis: Redis;
  /** A string that exists once somebody has held the lease, and the hash with the lease. */
  readonly keys: readonly [held: string, lease: string];
  /** The value of that string. */
  readonly text: string;
  /** Names the lease in an error. */
  readonly source: string;
}

/** The lease for this holder. */
export function leasePort({ redis, keys: [held, lease], text, source }: LeasePlace, holder: string, subscribers: Subscribers): LeasePort {
  const isConnected = async (other: LeaseHolder | null): Promise<boolean | null> => {
    if (other === null || other.line === null) return null;
    const channel = coordinatorChannel(other.line);
    return (await subscribers.among([channel]))?.has(channel) ?? null;
  };
  return {
    async claim(gone) {
      const argv = [text, KEY_LIFE_SECONDS, holder, LEASE_MS, gone];
      // Without `retryWhileUnavailable`: a run does not start on a server that accepts no writes.
      const answer: unknown = await redis.eval(CLAIM, 2, held, lease, ...argv);
      const [epoch, found] = Array.isArray(answer) ? answer.map(Number) : [];
      return epoch === undefined ? null : { epoch, isFound: found === 1 };
    },
    async look(before) {
      const answer: unknown = await retryWhileUnavailable(() => redis.eval(LOOK, 1, lease));
      const [renewal, encoded = '', leftMs] = Array.isArray(answer) ? answer.map(String) : [];
      if (renewal === undefined) return { kind: 'free', isConnected: await isConnected(before) };
      const other = decodeHolder(encoded, source);
      return { kind: 'held', holder: other, renewal, isExpired: Number(leftMs) <= 0, isConnected: await isConnected(other) };
    },
  };
}
