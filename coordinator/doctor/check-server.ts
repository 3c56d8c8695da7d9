// Checks the Redis that a run would use: the one that is named, or the program for an embedded one.

import { safeUrl } from '../../shared/settings/redis-url.ts';
import type { DoctorSettings } from '../../shared/settings/settings.ts';
import { plural } from '../../shared/text/safe-text.ts';
import { findServer } from '../redis/find-server.ts';
import { inspectServer, type ServerFacts } from '../redis/inspect/inspect-server.ts';
import { doubtful, type Finding, ok } from './finding.ts';

/** A slower answer delays every shard. */
const SLOW_MS = 100;
/** Clocks may differ, because all machines use the server's. A large difference makes logs hard to read. */
const CLOCK_MS = 2000;

/** Rejects with the errors of the server, each of which says how to fix it. */
export async function checkRedis(
  { redis: url, redisTls, redisBin, python, pipPython, pool }: DoctorSettings,
  path: string,
): Promise<readonly Finding[]> {
  if (url === null) {
    const program = await findServer({ redisBin, pythons: pipPython === null ? [python] : [pipPython, python], path });
    return [ok('redis', `an embedded server: ${program}`)];
  }
  const facts = await inspectServer(url, redisTls, pool);
  return [answerOf(facts, safeUrl(url)), ...accountOf(facts), poolOf(facts, pool)];
}

function answerOf({ answerMs, aheadMs }: ServerFacts, url: string): Finding {
  const text = `${url} answers in ${answerMs.toFixed(1)} ms`;
  if (answerMs > SLOW_MS) return doubtful('redis', text, 'Use a server near the agents: each shard waits for a few answers.');
  if (Math.abs(aheadMs) <= CLOCK_MS) return ok('redis', text);
  const fix = 'Synchronise the clocks, for example with NTP; results do not depend on it.';
  return doubtful('redis', `${text}; its clock differs by ${Math.round(aheadMs / 1000)} s`, fix);
}

function accountOf({ maySubscribe }: ServerFacts): readonly Finding[] {
  if (maySubscribe) return [];
  const text = 'the account may not subscribe, so that a dead agent is noticed after 8 s instead of 0.2 s';
  return [doubtful('redis', text, 'Run `ACL SETUSER NAME +@pubsub &{sl:*` on the server, with the name of the account.')];
}

function poolOf({ agents }: ServerFacts, pool: string): Finding {
  const text = `${plural(agents, 'agent')} in pool ${pool}`;
  if (agents > 0) return ok('agents', text);
  return doubtful(
    'agents',
    text,
    `Start one with \`shardline agent --pool ${pool}\`, or run with --agents 1. \`shardline ci\` starts its own.`,
  );
}
