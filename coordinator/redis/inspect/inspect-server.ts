// Measures what a run needs to know of a Redis server before it uses it.

import { checkServer } from '../../../shared/redis/check-server.ts';
import { connect } from '../../../shared/redis/connect.ts';
import { poolKeys } from '../../../shared/redis/keys.ts';
import { alive } from '../../../shared/redis/presence.ts';
import { serverNow } from '../../../shared/redis/server-clock.ts';
import type { TlsFiles } from '../../../shared/settings/settings.ts';
import { openLivenessLine } from '../liveness-line.ts';

const PINGS = 5;

export interface ServerFacts {
  /** The median time of an answer, in milliseconds. */
  readonly answerMs: number;
  /** By how many milliseconds the server's clock is ahead of this machine's. */
  readonly aheadMs: number;
  /** Whether the account may subscribe to channels. */
  readonly maySubscribe: boolean;
  /** The number of agents in the pool that are alive. */
  readonly agents: number;
}

/** Throws the errors of a connection, and `redis-too-old` and `redis-evicts`. */
export async function inspectServer(url: string, tls: TlsFiles, pool: string): Promise<ServerFacts> {
  const redis = await connect(url, 'shardline:doctor', { tls });
  const line = openLivenessLine(redis);
  try {
    await checkServer(redis, url);
    const times: number[] = [];
    for (let ping = 0; ping < PINGS; ping += 1) {
      const at = performance.now();
      await redis.ping();
      times.push(performance.now() - at);
    }
    return {
      answerMs: times.toSorted((left, right) => left - right)[Math.floor(PINGS / 2)] ?? 0,
      aheadMs: (await serverNow(redis, pool)) - Date.now(),
      maySubscribe: await line.isSubscribed,
      agents: (await alive(redis, poolKeys(pool).agents)).length,
    };
  } finally {
    line.close();
    redis.disconnect();
  }
}
