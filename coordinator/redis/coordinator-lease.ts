// Takes the lease of a run in Redis, and shows that this coordinator is connected by its subscription to a channel of its own. However
// the process ends, its connections end with it, and a command that waits for the lease notices at once. Renewing the lease belongs to
// coordinator-epoch.ts.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RunId } from '../../shared/domain/ids.ts';
import { connectAgain } from '../../shared/redis/connect.ts';
import { coordinatorChannel, KEY_LIFE_SECONDS, type RunKeys } from '../../shared/redis/keys.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { decodeHolder, encodeHolder, type LeaseHolder } from '../../shared/wire/lease-holder.ts';
import { type Claim, claimLease, LEASE_MS } from '../lease-claim.ts';
import type { TakeOver } from '../ports.ts';
import { readScript } from './read-script.ts';
import { followSubscribers } from './subscribers.ts';

const CLAIM = readScript('claim-lease');

/** How long a new coordinator waits for its subscription, in milliseconds. Without one, its lease is free only once it has expired. */
const SUBSCRIBE_MS = 2000;

export interface CoordinatorLease {
  readonly epoch: number;
  /** True if the run existed before. */
  readonly isFound: boolean;
  /** The encoded holder. */
  readonly holder: string;
  /** Ends the subscription: this coordinator no longer shows that it is connected. */
  disconnect(): void;
}

/**
 * Creates the run, or takes it over once its coordinator is gone. `spec` is the encoded spec that agents read. Throws `run-is-served`, and
 * the reason of the signal.
 */
export async function takeLease(redis: Redis, runId: RunId, keys: RunKeys, spec: string, takeOver: TakeOver): Promise<CoordinatorLease> {
  const id = randomUUID();
  const line = connectAgain(redis);
  const subscribers = followSubscribers(redis);
  const isConnected = async (other: LeaseHolder): Promise<boolean | null> => {
    if (!other.isSubscribed) return null;
    const channel = coordinatorChannel(runId, other.id);
    return (await subscribers.among([channel]))?.has(channel) ?? null;
  };
  const claimAs = async (holder: string, gone: string | null): Promise<Claim> => {
    const argv = [spec, KEY_LIFE_SECONDS, holder, LEASE_MS, gone ?? ''];
    // Without `patiently`: a run does not start on a server that accepts no writes.
    const answer: unknown = await redis.eval(CLAIM, 2, keys.spec, keys.coordinator, ...argv);
    const [epoch = '0', second = '', third = '', leftMs = '0'] = Array.isArray(answer) ? answer.map(String) : [];
    if (epoch !== '0') return { kind: 'granted', epoch: Number(epoch), isFound: second === '1' };
    const other = decodeHolder(third, `the lease of run ${runId}`);
    return { kind: 'held', holder: other, renewal: second, isExpired: Number(leftMs) <= 0, isConnected: await isConnected(other) };
  };
  try {
    const isSubscribed = await isSubscribedInTime(line.subscribe(coordinatorChannel(runId, id)));
    const holder = encodeHolder({ id, host: hostname(), pid: process.pid, isSubscribed });
    const { epoch, isFound } = await claimLease(runId, (gone) => claimAs(holder, gone), takeOver, systemClock);
    return { epoch, isFound, holder, disconnect: () => line.disconnect() };
  } catch (thrown) {
    line.disconnect();
    throw thrown;
  } finally {
    subscribers.close();
  }
}

/** An account without the permission, and a server that accepts no further connection, make the same difference. */
function isSubscribedInTime(subscribing: Promise<unknown>): Promise<boolean> {
  const subscribed = subscribing.then(
    () => true,
    () => false,
  );
  return Promise.race([subscribed, delay(SUBSCRIBE_MS, false, { ref: false })]);
}
