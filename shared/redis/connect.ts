// Opens connections to Redis, and says in the words of the error table why one cannot be opened.

import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { messageOf, reasonOf, ShardlineError } from '../errors.ts';
import { readRedisUrl, safeUrl } from '../settings/redis-url.ts';

/** Replies in the form that bullmq reads too: the library's own default. */
type Options = Omit<RedisOptions, 'replyMapping'>;

const CONNECT_SECONDS = 5;

/** How long an answer may take before the connection is given up and made anew: a network that swallows everything tells nobody. No command blocks for so long. */
const SILENCE_MS = 5000;

/** What was the primary is none any more: a new connection may lead to the one that is. */
const isDemoted = (error: Error): boolean => error.message.startsWith('READONLY');

/** Often enough that work goes on within half a second of Redis being back. */
const retryMs = (attempt: number): number => Math.min(50 * attempt, 500);

/** Anything the server says when it knows us not, or knows us and forbids what we ask. */
const REFUSED = /NOAUTH|WRONGPASS|NOPERM|invalid password|invalid username|Client sent AUTH/i;

/** What Redis says to a SELECT of a database that it does not have. */
const NO_DATABASE = /DB index|SELECT is not allowed|invalid DB/i;

/** What ioredis reports when the other side does not answer in Redis' protocol. */
const NOT_REDIS = /Unknown RESP type|Protocol error/i;

export interface Patience {
  /** How long a server that does not answer is tried again; 0 for once. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** How long after an attempt in vain the next one begins. */
const AGAIN_MS = 250;

/**
 * Connects to `redis://`, `rediss://` or `unix:///path`. A connection that breaks later is made again for as long as it takes, and what was
 * under way is sent again: every command sent here must bear being done twice. Throws `redis-unreachable`, `redis-auth`, `not-redis` and
 * `redis-no-database`, and the signal's reason.
 */
export async function connect(url: string, name: string, patience: Patience | null = null): Promise<Redis> {
  const begunAt = performance.now();
  for (const until = begunAt + (patience?.patienceMs ?? 0); ; ) {
    try {
      return await connectOnce(url, name, begunAt);
    } catch (thrown) {
      const isAway = thrown instanceof ShardlineError && thrown.code === 'redis-unreachable';
      if (patience === null || !isAway || performance.now() + AGAIN_MS > until) throw thrown;
      await delay(AGAIN_MS, undefined, { signal: patience.signal });
    }
  }
}

async function connectOnce(url: string, name: string, begunAt: number): Promise<Redis> {
  let failure: unknown = null;
  let isOpen = false;
  const options: Options = {
    ...addressOf(url),
    connectionName: name,
    lazyConnect: true,
    connectTimeout: CONNECT_SECONDS * 1000,
    socketTimeout: SILENCE_MS,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => (isOpen ? retryMs(attempt) : null),
    reconnectOnError: isDemoted,
  };
  const redis = new Redis(options);
  // Without a listener every broken connection would be printed; whoever waits for an answer notices by its own limit.
  redis.on('error', (error: unknown) => {
    failure = error;
  });
  try {
    await redis.connect();
    await redis.ping();
    // ioredis goes on in database 0 where it is refused the one that was asked for.
    if (options.db) await redis.select(options.db);
  } catch (thrown) {
    redis.disconnect();
    const problem = messageOf(failure ?? thrown);
    const values = { url: safeUrl(url), problem };
    const cause = { cause: thrown };
    if (REFUSED.test(`${problem} ${messageOf(thrown)}`)) throw new ShardlineError('redis-auth', values, cause);
    if (NOT_REDIS.test(problem)) throw new ShardlineError('not-redis', { url: values.url }, cause);
    if (NO_DATABASE.test(problem)) throw new ShardlineError('redis-no-database', { ...values, database: String(options.db) }, cause);
    const seconds = ((performance.now() - begunAt) / 1000).toFixed(1);
    throw new ShardlineError('redis-unreachable', { ...values, problem: reasonOf(failure ?? thrown), seconds }, cause);
  }
  isOpen = true;
  return redis;
}

/** A second connection to the same server, for commands that block. */
export function connectAgain(redis: Redis): Redis {
  const again = redis.duplicate({ lazyConnect: false, retryStrategy: retryMs });
  again.on('error', () => {
    // As above: the reader of this connection sees its silence.
  });
  return again;
}

/** Throws `bad-config`. */
export function addressOf(url: string): Options {
  const address = readRedisUrl(url);
  if (address.kind === 'bad') {
    throw new ShardlineError('bad-config', { problem: `The Redis URL is invalid: ${address.problem}.`, fix: address.fix });
  }
  const { database: db, username, password } = address;
  const account: Options = { db, ...(username === null ? {} : { username }), ...(password === null ? {} : { password }) };
  if (address.kind === 'socket') return { ...account, path: address.path };
  const { host, port, isTls } = address;
  // TLS forbids an address as server name (RFC 6066); the certificate is checked against it all the same.
  return { ...account, host, port, ...(isTls ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}) };
}
