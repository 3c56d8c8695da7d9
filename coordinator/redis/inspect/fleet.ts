// What is in a pool now: its open runs with their coordinators, and its agents. It only reads.

import type { Redis } from 'ioredis';
import type { AgentId, RunId } from '../../../shared/domain/ids.ts';
import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { poolKeys, runKeys } from '../../../shared/redis/keys.ts';
import { alive, factsOf } from '../../../shared/redis/presence.ts';
import { timeAt } from '../../../shared/redis/server-clock.ts';
import type { AgentFacts } from '../../../shared/wire/fleet/agent-facts.ts';
import { decodeHolder, type LeaseHolder } from '../../../shared/wire/lease-holder.ts';
import { agentIdSchema, readId, runIdSchema } from '../../../shared/wire/parse.ts';
import type { RunNote } from '../../../shared/wire/run-note.ts';
import { decodeSpec } from '../../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../../shared/wire/signature.ts';
import { readNote } from './run-notes.ts';

export interface OpenRun {
  readonly id: RunId;
  /** null if a newer or broken shardline wrote it. */
  readonly spec: RunSpec | null;
  /** null if no command coordinates the run now. */
  readonly coordinator: LeaseHolder | null;
  /** Agents of the run, each with the number of attempts that it holds. */
  readonly agents: ReadonlyMap<AgentId, number>;
  /** null if the run has none yet. */
  readonly note: RunNote | null;
}

export interface Fleet {
  /** The oldest first. */
  readonly runs: readonly OpenRun[];
  /** All agents of the pool that are alive, each with what it says of itself; null if this version cannot read that. */
  readonly agents: ReadonlyMap<AgentId, AgentFacts | null>;
  /** The server's clock, in milliseconds since the epoch. */
  readonly now: number;
}

export async function readFleet(redis: Redis, pool: string): Promise<Fleet> {
  const keys = poolKeys(pool);
  const [specs, ids, now] = await Promise.all([redis.hgetall(keys.runs), alive(redis, keys.agents), timeAt(redis, keys.agents)]);
  const agents = await factsOf(redis, keys, ids);
  const named = Object.entries(specs).flatMap(([name, text]) => readId(runIdSchema, name).map((id) => ({ id, text })));
  const runs = await Promise.all(named.map(({ id, text }) => readRun(redis, pool, id, text)));
  return { runs: runs.sort((left, right) => (left.spec?.openedAt ?? 0) - (right.spec?.openedAt ?? 0)), agents, now };
}

async function readRun(redis: Redis, pool: string, id: RunId, text: string): Promise<OpenRun> {
  const keys = runKeys(id);
  // Another server of a cluster may hold the run, and its clock stamps what the run says.
  const now = await timeAt(redis, keys.agents);
  const [living, holding, lease, note] = await Promise.all([
    redis.zrangebyscore(keys.agents, now, '+inf'),
    redis.hgetall(keys.holding),
    redis.hmget(keys.coordinator, 'holder', 'expires'),
    readNote(redis, id),
  ]);
  const [holder, expires] = lease;
  const isHeld = holder != null && Number(expires) > now;
  return {
    id,
    spec: orUnknown(() => decodeSpec(text, { pool, run: id, verifier: NO_VERIFIER }, `run ${id} of pool ${pool}`)),
    coordinator: isHeld ? orUnknown(() => decodeHolder(holder, `the lease of run ${id}`)) : null,
    agents: new Map(
      living
        .flatMap((name) => readId(agentIdSchema, name))
        .map((agent) => [agent, (holding[agent] ?? '').split(' ').filter((held) => held !== '').length]),
    ),
    note,
  };
}

function orUnknown<Value>(decode: () => Value): Value | null {
  try {
    return decode();
  } catch (thrown) {
    if (thrown instanceof ShardlineError) return null;
    throw thrown;
  }
}
