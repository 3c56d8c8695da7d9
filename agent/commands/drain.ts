// `shardline agent --drain ID`: asks an agent elsewhere to take nothing more, to finish what it runs, and to leave; and waits until it has.

import { type AgentId, agentId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys } from '../../shared/redis/keys.ts';
import { alive, factsOf, requestDrain } from '../../shared/redis/presence.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import type { AgentSettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { readSigner } from '../../shared/system/key-files.ts';
import { oneLine } from '../../shared/text/safe-text.ts';

/** An agent reads the request with its next heartbeat, within a second. */
const ANSWER_MS = 10_000;
/** What an agent may take beyond the time of its drain: to interrupt its tests, store their results, and go. */
const LEAVE_MS = 30_000;
const LOOK_MS = 250;

/** Resolves with 0 once the agent has left. Throws `no-such-agent`, `agent-not-draining`, `bad-key` and the errors of a connection. */
export async function drainCommand(
  { redis: url, redisTls: tls, pool, drain: name, signKey }: AgentSettings,
  { stderr }: Edge,
): Promise<number> {
  const signer = signKey === null ? null : await readSigner(signKey);
  const redis = await connect(url, 'shardline:drain', { tls });
  try {
    const keys = poolKeys(pool);
    const agent = agentId(name ?? '');
    const agents = await alive(redis, keys.agents);
    if (!agents.includes(agent)) {
      const others = agents.length === 0 ? 'no agents' : agents.slice(0, 20).map(oneLine).join(', ');
      throw new ShardlineError('no-such-agent', { agent, pool, others });
    }
    await requestDrain(redis, keys, { pool, agent, at: await serverNow(redis, pool) }, signer);
    const isGone = async (): Promise<boolean> => !(await alive(redis, keys.agents)).includes(agent);
    /** How long the agent says that its drain may take. */
    let seconds = 0;
    const answers = async (): Promise<boolean> => {
      if (await isGone()) return true;
      const found = (await factsOf(redis, keys, [agent])).get(agent)?.drainSeconds ?? null;
      seconds = found ?? 0;
      return found !== null;
    };
    await waitUntil(ANSWER_MS, answers, agent, 'has not begun to drain');
    if (!(await isGone())) stderr.write(`Agent ${agent} takes no more shards, and leaves when it has finished what it runs.\n`);
    await waitUntil(seconds * 1000 + LEAVE_MS, isGone, agent, 'has not left');
    stderr.write(`Agent ${agent} has left.\n`);
    return 0;
  } finally {
    redis.disconnect();
  }
}

/** Throws `agent-not-draining` if `holds` stays false for `limitMs`. */
async function waitUntil(limitMs: number, holds: () => Promise<boolean>, agent: AgentId, state: string): Promise<void> {
  for (const until = performance.now() + limitMs; !(await holds()); await systemClock.wait(LOOK_MS)) {
    if (performance.now() > until) throw new ShardlineError('agent-not-draining', { agent, seconds: Math.ceil(limitMs / 1000), state });
  }
}
