// Opens connections to Redis, and reports a failure with an error from the table.

import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { Redis, type RedisOptions, ReplyError } from 'ioredis';
import { ShardlineError } from '../errors.ts';
import { type Host, readRedisUrl, safeUrl } from '../settings/redis-url.ts';
import type { TlsFiles } from '../settings/settings.ts';
import { duplicateCluster, isCluster, openCluster } from './cluster.ts';
import { connectError } from './connect-error.ts';
import { readTlsFiles } from './tls.ts';

/** Options without `replyMapping`: replies keep the library's default format, which bullmq reads too. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** With `servers`, those of a cluster. */
type Address = Options & { readonly servers?: readonly Host[] };

const CONNECT_SECONDS = 5;

/**
 * Limit for a reply; after it the connection is dropped and opened again. A network that swallows packets reports no error. No command
 * blocks for this long.
 */
const SILENCE_MS = 5000;

/**
 * How long ioredis waits for the server to close a connection. It waits as long for one that is closed already, which would keep the process
 * from ending. Nothing is lost, because a connection is closed once its replies have arrived.
 */
const DISCONNECT_MS = 200;

/** The server was the primary and no longer is. A new connection may lead to the current primary. */
const isDemoted = (error: Error): boolean => error.message.startsWith('READONLY');

/** Short enough that work continues within half a second after Redis is back. */
const retryMs = (attempt: number): number => Math.min(50 * attempt, 500);

export interface Patience {
  /** How long to retry a server that does not answer, in milliseconds; 0 tries once. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  /**
   * How long a connection may stay broken, in milliseconds. Then it is given up, and every pending or later command rejects; see `isGivenUp`.
   * Without it there is no limit.
   */
  readonly brokenMs?: number;
}

export interface ConnectOptions extends Partial<Patience> {
  /** The files for `rediss://`; without them, the CAs of this machine count and the client shows no certificate. */
  readonly tls?: TlsFiles;
}

/** Delay between two attempts, in milliseconds. */
const AGAIN_MS = 250;

/**
 * Connects to `redis://`, `rediss://` or `unix:///path`, or to the primary that the Sentinels of `redis+sentinel://` name, also after it
 * changes, or to the servers of `redis+cluster://`. A connection that breaks later is reopened, without a time limit unless
 * `patience` has one, and its pending commands are sent again: every command on it must be safe to run twice.
 * Throws `bad-tls-file`, the errors of `connectError`, `redis-is-cluster`, `redis-is-sentinel`, and the signal's reason.
 */
export async function connect(url: string, name: string, { patienceMs = 0, signal, brokenMs, tls }: ConnectOptions = {}): Promise<Redis> {
  const begunAt = performance.now();
  const address = await withTls(addressOf(url), tls);
  for (const until = begunAt + patienceMs; ; ) {
    try {
      return await connectOnce({ url, address, tls }, name, begunAt, brokenMs ?? Number.POSITIVE_INFINITY);
    } catch (thrown) {
      const isAway = thrown instanceof ShardlineError && thrown.code === 'redis-unreachable';
      if (!isAway || performance.now() + AGAIN_MS > until) throw thrown;
      await delay(AGAIN_MS, undefined, signal === undefined ? {} : { signal });
    }
  }
}

const withTls = async (address: Address, files: TlsFiles | undefined): Promise<Address> =>
  address.tls === undefined ? address : withTlsOptions(address, { ...address.tls, ...(await readTlsFiles(files)) });

/** Sentinels use the same certificates as the servers. */
const withTlsOptions = (address: Address, tls: ConnectionOptions): Address => ({
  ...address,
  tls,
  ...(address.sentinels == null ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
});

interface Target {
  readonly url: string;
  readonly address: Address;
  readonly tls: TlsFiles | undefined;
}

async function connectOnce({ url, address, tls }: Target, name: string, begunAt: number, brokenMs: number): Promise<Redis> {
  let failure: unknown = null;
  let isOpen = false;
  let brokenAt: number | null = null;
  const retry = (attempt: number): number | null => {
    if (!isOpen) return null;
    brokenAt ??= performance.now();
    return performance.now() - brokenAt > brokenMs ? null : retryMs(attempt);
  };
  const { servers, ...own } = address;
  const options: Options = {
    ...own,
    connectionName: name,
    lazyConnect: true,
    connectTimeout: CONNECT_SECONDS * 1000,
    disconnectTimeout: DISCONNECT_MS,
    socketTimeout: SILENCE_MS,
    maxRetriesPerRequest: null,
    retryStrategy: retry,
    // While the Sentinels elect a primary, none may answer.
    sentinelRetryStrategy: retry,
    reconnectOnError: isDemoted,
  };
  const redis = servers === undefined ? new Redis(options) : openCluster(servers, options, retry, brokenMs);
  // Without a listener ioredis prints every broken connection. A caller that waits for a reply has its own time limit.
  redis.on('error', (error: unknown) => {
    failure = error;
  });
  redis.on('ready', () => {
    brokenAt = null;
  });
  try {
    await redis.connect();
    await refuseOtherMode(redis, url);
    // If the server rejects the requested database, ioredis silently continues in database 0.
    if (options.db) await redis.select(options.db);
  } catch (thrown) {
    if (redis.status !== 'end') redis.disconnect();
    if (thrown instanceof ShardlineError) throw thrown;
    const ofHosts = await failureOfHosts(address);
    throw connectError({ url, tls, failure: failure ?? thrown, ofHosts, thrown, seconds: (performance.now() - begunAt) / 1000 });
  }
  isOpen = true;
  // BullMQ duplicates this connection. It gives up a lazy duplicate whose first try to connect fails: an agent whose session opened while
  // Redis was away would never pull an attempt. Other duplicates try until they succeed.
  redis.options.lazyConnect = false;
  return redis;
}

/** Connects to each Sentinel, or to each server of a cluster. Returns null if one answers, or if the URL names a single server. */
async function failureOfHosts({ servers, sentinels, sentinelUsername, sentinelPassword, sentinelTLS, ...own }: Address): Promise<unknown> {
  const account = servers === undefined ? { username: sentinelUsername, password: sentinelPassword, tls: sentinelTLS } : own;
  const failures = await Promise.all((servers ?? sentinels ?? []).map((host) => failureOf({ ...account, ...host })));
  if (failures.includes(null)) return null;
  return failures.find((each) => each instanceof ReplyError) ?? failures[0] ?? null;
}

async function failureOf(options: Options): Promise<unknown> {
  const redis = new Redis({ ...options, lazyConnect: true, connectTimeout: CONNECT_SECONDS * 1000, retryStrategy: () => null });
  let failure: unknown = null;
  redis.on('error', (error: unknown) => {
    failure = error;
  });
  try {
    await redis.connect();
    await redis.ping();
    return null;
  } catch (thrown) {
    return failure ?? thrown;
  } finally {
    if (redis.status !== 'end') redis.disconnect();
  }
}

/** Every account may send HELLO. Throws `redis-is-cluster` and `redis-is-sentinel`. */
async function refuseOtherMode(redis: Redis, url: string): Promise<void> {
  const answer = await redis.call('HELLO');
  const mode = Array.isArray(answer) ? answer[answer.indexOf('mode') + 1] : null;
  if (mode === 'cluster' && !isCluster(redis)) throw new ShardlineError('redis-is-cluster', { url: safeUrl(url) });
  if (mode === 'sentinel') throw new ShardlineError('redis-is-sentinel', { url: safeUrl(url) });
}

/** A second connection to the same server, for commands that block. */
export function connectAgain(redis: Redis): Redis {
  const again = isCluster(redis)
    ? duplicateCluster(redis, retryMs)
    : redis.duplicate({ lazyConnect: false, retryStrategy: retryMs, sentinelRetryStrategy: retryMs });
  again.on('error', () => {
    // The reader of this connection notices its silence.
  });
  return again;
}

/** Throws `bad-config`. */
export function addressOf(url: string): Address {
  const address = readRedisUrl(url);
  if (address.kind === 'bad') {
    throw new ShardlineError('bad-config', { problem: `The Redis URL is invalid: ${address.problem}.`, fix: address.fix });
  }
  const { database: db, username, password } = address;
  const account: Options = { db, ...(username === null ? {} : { username }), ...(password === null ? {} : { password }) };
  if (address.kind === 'socket') return { ...account, path: address.path };
  if (address.kind === 'sentinel') {
    const { sentinels, name, isTls, sentinelUsername, sentinelPassword } = address;
    const ofSentinels: Options = {
      ...(sentinelUsername === null ? {} : { sentinelUsername }),
      ...(sentinelPassword === null ? {} : { sentinelPassword }),
    };
    return { ...account, ...ofSentinels, sentinels: sentinels.map((each) => ({ ...each })), name, ...(isTls ? { tls: {} } : {}) };
  }
  if (address.kind === 'cluster') return { ...account, servers: address.servers, ...(address.isTls ? { tls: {} } : {}) };
  const { host, port, isTls } = address;
  // TLS forbids an IP address as server name (RFC 6066). The certificate is still checked against the address.
  return { ...account, host, port, ...(isTls ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}) };
}
