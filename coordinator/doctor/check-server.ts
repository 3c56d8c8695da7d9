// Checks the Redis that a run would use: the one that is named, or the program for an embedded one.

import type { Redis } from 'ioredis';
import { checkServer } from '../../shared/redis/check-server.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys } from '../../shared/redis/keys.ts';
import { alive } from '../../shared/redis/presence.ts';
import { safeUrl } from '../../shared/settings/redis-url.ts';
import type { DoctorSettings } from '../../shared/settings/settings.ts';
import { plural } from '../../shared/text/safe-text.ts';
import { findServer } from '../redis/find-server.ts';
import { openLivenessLine } from '../redis/liveness-line.ts';
import { doubtful, type Finding, ok } from './finding.ts';

const PINGS = 5;
/** A slower answer delays every shard. */
const SLOW_MS = 100;
/** Clocks may differ: coordinator and agents use the server's. A large difference makes logs hard to read. */
const CLOCK_MS = 2000;

/** Rejects with the errors of the server, each of which says how to fix it. */
export async function checkRedis(
  { redis: url, redisBin, python, pipPython, pool }: DoctorSettings,
  path: string,
): Promise<readonly Finding[]> {
  if (url === null) {
    const program = await findServer({ redisBin, pythons: pipPython === null ? [python] : [pipPython, python], path });
    return [ok('redis', `an embedded server: ${program}`)];
  }
  const redis = await connect(url, 'shardline:doctor');
  try {
    await checkServer(redis, url);
    return [await answerOf(redis, url), ...(await accountOf(redis)), await poolOf(redis, pool)];
  } finally {
    redis.disconnect();
  }
}

async function answerOf(redis: Redis, url: string): Promise<Finding> {
  const times: number[] = [];
  for (let ping = 0; ping < PINGS; ping += 1) {
    const at = performance.now();
    await redis.ping();
    times.push(performance.now() - at);
  }
  const answerMs = times.toSorted((left, right) => left - right)[Math.floor(PINGS / 2)] ?? 0;
  const [seconds] = await redis.time();
  const aheadMs = Number(seconds) * 1000 + 500 - Date.now();
  const text = `${safeUrl(url)} answers in ${answerMs.toFixed(1)} ms`;
  if (answerMs > SLOW_MS) return doubtful('redis', text, 'Use a server near the agents: each shard waits for a few answers.');
  if (Math.abs(aheadMs) > CLOCK_MS) {
    const fix = 'Synchronise the clocks, for example with NTP; results do not depend on it.';
    return doubtful('redis', `${text}; its clock differs by ${(aheadMs / 1000).toFixed(0)} s`, fix);
  }
  return ok('redis', text);
}

async function accountOf(redis: Redis): Promise<readonly Finding[]> {
  const line = openLivenessLine(redis);
  try {
    if (await line.isSubscribed) return [];
    const text = 'the account may not subscribe, so that a dead agent is noticed after 8 s instead of 0.2 s';
    return [doubtful('redis', text, 'Grant `+@pubsub` and `&{sl:*`: docs/redis.md.')];
  } finally {
    line.close();
  }
}

async function poolOf(redis: Redis, pool: string): Promise<Finding> {
  const agents = await alive(redis, poolKeys(pool).agents);
  const text = `${plural(agents.length, 'agent')} in pool ${pool}`;
  return agents.length > 0
    ? ok('agents', text)
    : doubtful('agents', text, `Start one with \`shardline agent --pool ${pool}\`, or run with --agents 1.`);
}
