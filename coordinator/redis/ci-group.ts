// Implements the `CiGroup` port: a group of CI jobs in Redis. The lease of the job that leads has the form of a coordinator's lease.

import type { Redis } from 'ioredis';
import { runId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { GROUP_LIFE_SECONDS, groupKeys, KEY_LIFE_SECONDS } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { RunAddress } from '../../shared/wire/envelope.ts';
import type { GroupVerdict } from '../../shared/wire/group.ts';
import { decodeVerdict, encodeVerdict } from '../../shared/wire/group.ts';
import type { Signer, Verifier } from '../../shared/wire/signature.ts';
import { claimLease, LEASE_MS, type LeasePatience } from '../lease-claim.ts';
import type { CiGroup, GroupJob, Leadership } from '../ports.ts';
import { leasePort, ownHolder } from './coordinator-lease.ts';
import type { LivenessLine } from './liveness-line.ts';
import { readScript } from './read-script.ts';
import { followSubscribers } from './subscribers.ts';

const JOIN = readScript('join-group');
const KEEP = readScript('keep-lead');
const STORE = readScript('store-verdict');

/**
 * Interval of looks at the lease of the job that leads. A killed job is found gone after two, and the run's own lease takes one second more.
 * A job that reconnects to Redis takes less than two looks.
 */
const LOOK_MS = 500;
/** Nobody releases this lease: it is missing only if Redis has lost it, and a living leader writes it again. */
const PATIENCE: LeasePatience = { lookMs: LOOK_MS, waitMs: Number.POSITIVE_INFINITY, missingMs: LEASE_MS };

export interface GroupOptions {
  readonly redis: Redis;
  /** Its name in keys. */
  readonly group: string;
  readonly line: LivenessLine;
  /** How long to wait for a Redis that accepts no writes, in milliseconds. */
  readonly waitMs: number;
  /** The run of a generation. */
  readonly addressOf: (generation: number) => RunAddress;
  /** Signs the verdict; null to sign nothing. */
  readonly signer: Signer | null;
  /** Decides whose verdict counts. */
  readonly verifier: Verifier;
  /** Receives why the verdict of the generation before does not count. */
  readonly doubt: (problem: ShardlineError) => void;
}

export function redisGroup(options: GroupOptions): CiGroup {
  const { redis, group, line } = options;
  const keys = groupKeys(group);
  const verdictIn = (text: string, generation: number): GroupVerdict | null =>
    text === '' ? null : readVerdict(options, text, generation);
  /** Without it, the whole suite runs. */
  const earlierIn = (text: string, generation: number): GroupVerdict | null => {
    try {
      return verdictIn(text, generation);
    } catch (thrown) {
      if (!(thrown instanceof ShardlineError)) throw thrown;
      options.doubt(thrown);
      return null;
    }
  };
  return {
    async join({ place, token, attempt, isFresh, tooOldMs }: GroupJob) {
      const argv = [place ?? '', token ?? '', attempt ?? 0, isFresh ? 1 : 0, GROUP_LIFE_SECONDS, tooOldMs ?? ''];
      // At once, as when a run opens: a job does not begin on a server that accepts no writes.
      const joined: unknown = await redis.eval(JOIN, 4, keys.generation, keys.members, keys.verdicts, keys.leader, ...argv);
      const [generation = '1', verdict = '', before = '', fresh = '0', age = ''] = Array.isArray(joined) ? joined.map(String) : [];
      return {
        generation: Number(generation),
        verdict: verdictIn(verdict, Number(generation)),
        before: earlierIn(before, Number(generation) - 1),
        isFresh: fresh === '1',
        endedMsAgo: age === '' ? null : Number(age),
      };
    },
    async verdict(generation) {
      return verdictIn((await retryWhileUnavailable(() => redis.hget(keys.verdicts, String(generation)))) ?? '', generation);
    },
    async lead(signal) {
      const holder = await ownHolder(line);
      const subscribers = followSubscribers(redis);
      const place = { redis, keys: [keys.led, keys.leader], text: group, source: `the lease of the CI jobs ${group}` } as const;
      try {
        const port = leasePort(place, holder, subscribers);
        const { epoch } = await claimLease(runId(group), port, { onWait: () => undefined, signal }, systemClock, PATIENCE);
        return leadership(options, { epoch, holder });
      } finally {
        subscribers.close();
      }
    },
  };
}

const readVerdict = ({ group, addressOf, verifier }: GroupOptions, text: string, generation: number): GroupVerdict =>
  decodeVerdict(text, { ...addressOf(generation), verifier }, `verdict of the CI jobs ${group}`);

function leadership(options: GroupOptions, { epoch, holder }: { readonly epoch: number; readonly holder: string }): Leadership {
  const { redis, group, waitMs, addressOf, signer } = options;
  const keys = groupKeys(group);
  return {
    async renew() {
      const argv = [epoch, holder, LEASE_MS, KEY_LIFE_SECONDS];
      const renewed = await retryWhileUnavailable(() => redis.eval(KEEP, 1, keys.leader, ...argv));
      if (renewed === -1) throw new ShardlineError('taken-over', { runId: group });
    },
    async conclude(generation, verdict) {
      const text = encodeVerdict(verdict, { ...addressOf(generation), generation, epoch }, signer);
      const argv = [epoch, generation, text, GROUP_LIFE_SECONDS];
      const storing = retryWhileUnavailable(() => redis.eval(STORE, 2, keys.leader, keys.verdicts, ...argv));
      const late = new AbortController();
      const limit = systemClock.wait(waitMs, late.signal).then(
        () => null,
        () => null,
      );
      const stored = await Promise.race([storing, limit]).finally(() => late.abort());
      if (stored === -1) throw new ShardlineError('taken-over', { runId: group });
      if (stored === null) {
        storing.catch(() => undefined);
        throw new ShardlineError('ci-without-redis', { problem: `it accepted no verdict within ${Math.round(waitMs / 1000)} s` });
      }
      return readVerdict(options, String(stored), generation);
    },
  };
}
