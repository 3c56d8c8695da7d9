// Checks that a run can rely on this server.

import type { Redis } from 'ioredis';
import { messageOf, ShardlineError } from '../errors.ts';
import { safeUrl } from '../settings/redis-url.ts';
import { shortOfRoom } from './server-room.ts';

const LEAST_REDIS = [6, 2] as const;
const LEAST_VALKEY = [7, 2] as const;

/**
 * Returns what to warn of if the server has not enough room for `connections` more; null if all is well. Throws `redis-too-old`,
 * `redis-evicts`, and `redis-auth` when the account may not even run INFO.
 */
export async function checkServer(redis: Redis, url: string, connections = 0): Promise<string | null> {
  const facts = await readInfo(redis, url);
  const valkey = facts.get('valkey_version');
  const version = valkey ?? facts.get('redis_version') ?? '0';
  const [leastMajor, leastMinor] = valkey === undefined ? LEAST_REDIS : LEAST_VALKEY;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    throw new ShardlineError('redis-too-old', { url: safeUrl(url), version });
  }
  const policy = facts.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') throw new ShardlineError('redis-evicts', { url: safeUrl(url), policy });
  return shortOfRoom(facts, connections);
}

async function readInfo(redis: Redis, url: string): Promise<ReadonlyMap<string, string>> {
  let text: string;
  try {
    text = await redis.info();
  } catch (thrown) {
    throw new ShardlineError('redis-auth', { url: safeUrl(url), problem: messageOf(thrown) }, { cause: thrown });
  }
  return new Map(
    text.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':');
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}
