// Opens connections to Redis, and says in the words of the error table why one cannot be opened.

import { setTimeout as delay } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { messageOf, ShardlineError } from '../errors.ts';
import { safeUrl } from '../redis-url.ts';

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

export interface Patience {
  /** How long a server that does not answer is tried again; 0 for once. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** How long after an attempt in vain the next one begins. */
const AGAIN_MS = 250;

/**
 * Connects to `redis://`, `rediss://` or `unix:///path`. A connection that breaks later is made again for as long as it takes, and what was
 * under way is sent again: every command sent here must bear being done twice. Throws `redis-unreachable` and `redis-auth`, and the signal's reason.
 */
export async function connect(url: string, name: string, patience: Patience | null = null): Promise<Redis> {
  for (const until = performance.now() + (patience?.patienceMs ?? 0); ; ) {
    try {
      return await connectOnce(url, name);
    } catch (thrown) {
      const isAway = thrown instanceof ShardlineError && thrown.code === 'redis-unreachable';
      if (patience === null || !isAway || performance.now() + AGAIN_MS > until) throw thrown;
      await delay(AGAIN_MS, undefined, { signal: patience.signal });
    }
  }
}

async function connectOnce(url: string, name: string): Promise<Redis> {
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
  } catch (thrown) {
    redis.disconnect();
    const problem = messageOf(failure ?? thrown);
    if (REFUSED.test(`${problem} ${messageOf(thrown)}`)) {
      throw new ShardlineError('redis-auth', { url: safeUrl(url), problem }, { cause: thrown });
    }
    throw new ShardlineError('redis-unreachable', { url: safeUrl(url), seconds: CONNECT_SECONDS, problem }, { cause: thrown });
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

function addressOf(url: string): Options {
  const parsed = new URL(url);
  const database = parsed.protocol === 'unix:' ? parsed.searchParams.get('db') : parsed.pathname.slice(1);
  const account: Options = {
    db: Number(database ?? 0) || 0,
    ...(parsed.username === '' ? {} : { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password === '' ? {} : { password: decodeURIComponent(parsed.password) }),
  };
  if (parsed.protocol === 'unix:') return { ...account, path: decodeURIComponent(parsed.pathname) };
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1';
  const address: Options = { ...account, host, port: parsed.port === '' ? 6379 : Number(parsed.port) };
  return parsed.protocol === 'rediss:' ? { ...address, tls: { servername: host } } : address;
}
