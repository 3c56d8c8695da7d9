// Takes the lease of a run in Redis. Renewing the lease belongs to coordinator-epoch.ts, and waiting for it to lease-claim.ts.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import type { RunId } from '../../shared/domain/ids.ts';
import { coordinatorChannel, KEY_LIFE_SECONDS, type RunKeys } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { decodeHolder, encodeHolder, type LeaseHolder } from '../../shared/wire/lease-holder.ts';
import { claimLease, LEASE_MS, type LeasePort } from '../lease-claim.ts';
import type { TakeOver } from '../ports.ts';
import type { LivenessLine } from './liveness-line.ts';
import { readScript } from './read-script.ts';
import { followSubscribers } from './subscribers.ts';

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
  const { redis, runId, line } = request;
  const own = { id: randomUUID(), host: hostname(), pid: process.pid, line: (await line?.isSubscribed) ? (line?.id ?? null) : null };
  const holder = encodeHolder(own);
  const subscribers = followSubscribers(redis);
  const isConnected = async (other: LeaseHolder | null): Promise<boolean | null> => {
    if (other === null || other.line === null) return null;
    const channel = coordinatorChannel(other.line);
    return (await subscribers.among([channel]))?.has(channel) ?? null;
  };
  try {
    const { epoch, isFound } = await claimLease(runId, leaseOf(request, holder, isConnected), takeOver, systemClock);
    return { epoch, isFound, holder };
  } finally {
    subscribers.close();
  }
}

function leaseOf(
  { redis, runId, keys, spec }: LeaseRequest,
  holder: string,
  isConnected: (other: LeaseHolder | null) => Promise<boolean | null>,
): LeasePort {
  return {
    async claim(gone) {
      const argv = [spec, KEY_LIFE_SECONDS, holder, LEASE_MS, gone];
      // Without `retryWhileUnavailable`: a run does not start on a server that accepts no writes.
      const answer: unknown = await redis.eval(CLAIM, 2, keys.spec, keys.coordinator, ...argv);
      const [epoch, found] = Array.isArray(answer) ? answer.map(Number) : [];
      return epoch === undefined ? null : { epoch, isFound: found === 1 };
    },
    async look(before) {
      const answer: unknown = await retryWhileUnavailable(() => redis.eval(LOOK, 1, keys.coordinator));
      const [renewal, text = '', leftMs] = Array.isArray(answer) ? answer.map(String) : [];
      if (renewal === undefined) return { kind: 'free', isConnected: await isConnected(before) };
      const other = decodeHolder(text, `the lease of run ${runId}`);
      return { kind: 'held', holder: other, renewal, isExpired: Number(leftMs) <= 0, isConnected: await isConnected(other) };
    },
  };
}
