// Runs Lua scripts that are sent every second by their digest, so that the server need not receive and hash their text each time.

import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export interface Script {
  readonly text: string;
  readonly digest: string;
}

export const script = (text: string): Script => ({ text, digest: createHash('sha1').update(text).digest('hex') });

/** Sends the text only to a server that does not have it: one that has restarted, or sees the script for the first time. */
export async function runScript(
  redis: Redis,
  { text, digest }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(digest, keys.length, ...keys, ...args);
  } catch (thrown) {
    if (!(thrown instanceof Error && thrown.message.startsWith('NOSCRIPT'))) throw thrown;
    return await redis.eval(text, keys.length, ...keys, ...args);
  }
}
