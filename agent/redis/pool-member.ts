// An agent's membership in a pool: it shows that it is alive and waits for runs.

import { type Decline, declineCauseOf } from '../../shared/domain/fleet/decline.ts';
import type { AgentId, RunId } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { checkServer } from '../../shared/redis/check-server.ts';
import { isCluster } from '../../shared/redis/cluster.ts';
import { type ConnectOptions, connect, connectAgain } from '../../shared/redis/connect.ts';
import { agentChannel, PRESENCE_MS, poolKeys } from '../../shared/redis/keys.ts';
import { beat, type Heard, leavePresence } from '../../shared/redis/presence.ts';
import { readStream } from '../../shared/redis/read-stream.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import { CONNECTIONS } from '../../shared/redis/server-room.ts';
import { type AgentFacts, encodeFacts } from '../../shared/wire/fleet/agent-facts.ts';
import { checkDrain } from '../../shared/wire/fleet/drain.ts';
import { runIdSchema } from '../../shared/wire/parse.ts';
import { decodeSpec } from '../../shared/wire/run-spec.ts';
import type { Signer, Verifier } from '../../shared/wire/signature.ts';
import { instant } from '../../shared/wire/trust/certificate.ts';
import { byUrgency } from '../core/slot-order.ts';
import type { PoolMember } from '../ports.ts';
import { countCurrentWork } from './current-work.ts';
import { startHeartbeat, withinASecond } from './heartbeat.ts';
import { joinRun } from './joined-run.ts';
import { knownRuns } from './known-runs.ts';

/**
 * How long an idle agent waits for a run before it looks at the open runs all the same: longer costs fewer commands, and it must be shorter
 * than the time after which a silent connection is dropped. A run that opens wakes the agent at once.
 */
const IDLE_BLOCK_MS = 4000;
/** How many of the runs that an agent has declined it names in its presence. */
const DECLINED_KEPT = 8;

export interface RedisPoolMember extends PoolMember, AsyncDisposable {}

export interface PoolMembership extends Pick<ConnectOptions, 'tls'> {
  readonly url: string;
  readonly pool: string;
  readonly agent: AgentId;
  /** Sorted; none by default. */
  readonly labels?: readonly string[] | undefined;
  /** The only run to serve; null for every run of the pool. */
  readonly only: RunId | null;
  /** Signs what this agent reports; null to sign nothing. */
  readonly signer: Signer | null;
  /** Decides whose runs this agent serves. */
  readonly verifier: Verifier;
  /** Receives problems that resolve themselves, such as a broken connection. */
  readonly warn: (problem: unknown) => void;
  /** Receives what may go wrong with this server. */
  readonly doubtful?: (problem: string) => void;
  /** What this agent says of itself to those who watch the pool, besides its runs and what it declines. */
  readonly facts?: () => Omit<AgentFacts, 'runs' | 'declined'>;
  /** Receives what a heartbeat has said, once Redis has answered it. */
  readonly beaten?: (facts: AgentFacts) => void;
  /** Somebody who may do so has asked this agent to drain. Called again with each heartbeat. */
  readonly drain?: () => void;
  /** Receives each run that this agent joins. */
  readonly joining?: (spec: RunSpec) => void;
  /** Receives, once, why this agent cannot join a run. */
  readonly declined: (run: RunId, problem: ShardlineError) => void;
}

/** Connects and joins the pool. Throws `redis-unreachable`, `redis-auth`, `redis-too-old` and `redis-evicts`. */
export async function redisPoolMember(membership: PoolMembership): Promise<RedisPoolMember> {
  const { pool, agent, labels, signer, verifier, warn } = membership;
  const { tls } = membership;
  const redis = await connect(membership.url, `shardline:${agent}`, tls === undefined ? {} : { tls });
  try {
    const doubt = await checkServer(redis, membership.url, CONNECTIONS.agent);
    if (doubt !== null) membership.doubtful?.(doubt);
  } catch (thrown) {
    redis.disconnect();
    throw thrown;
  }
  const keys = poolKeys(pool);
  const known = knownRuns();
  let declined: readonly Decline[] = [];
  const decline = (run: RunId, problem: ShardlineError): void => {
    declined = [...declined.filter((earlier) => earlier.run !== run), { run, cause: declineCauseOf(problem.code) }].slice(-DECLINED_KEPT);
    membership.declined(run, problem);
  };
  // However this process ends, its connections end with it, and a coordinator that counts this channel's subscribers notices at once. If
  // the account may not subscribe, the agent's silence reveals its death later, as it does in a cluster: each of its servers counts only its own
  // subscribers, and ioredis 6.0 tries without a pause to subscribe to servers that are gone.
  const line = isCluster(redis) ? null : connectAgain(redis);
  void line?.subscribe(agentChannel(pool, agent)).catch(warn);
  const work = countCurrentWork();
  let refused = '';
  const heed = ({ drain, now }: Heard): void => {
    if (drain === '' || drain === refused) return;
    try {
      checkDrain(drain, { pool, agent, now }, verifier);
      membership.drain?.();
    } catch (thrown) {
      if (!(thrown instanceof ShardlineError)) throw thrown;
      refused = drain;
      (membership.doubtful ?? warn)(`does not drain on a request in Redis: ${thrown.message}`);
    }
  };
  const sayAlive = async (): Promise<void> => {
    const about = membership.facts?.();
    const facts = about === undefined ? null : { ...about, runs: work.now(), declined };
    heed(await beat(redis, keys, agent, facts === null ? '' : encodeFacts(facts)));
    if (facts !== null) membership.beaten?.(facts);
  };
  const heart = startHeartbeat(sayAlive, warn, PRESENCE_MS.poolBeat);

  const openRun = async (): Promise<RunSpec | null> => {
    const announced = await retryWhileUnavailable(() => redis.hgetall(keys.runs), warn);
    known.forget(announced);
    const specs = Object.entries(announced)
      .filter(([id]) => !known.isServed(id as RunId) && (membership.only === null || id === membership.only))
      .flatMap(([id, text]) => readableSpec(id, text))
      .sort(byUrgency);
    const open = await unexpired(specs);
    return open[0] ?? null;
  };

  /** By the clock of the server, which those who can write to it cannot set. */
  const unexpired = async (specs: readonly RunSpec[]): Promise<readonly RunSpec[]> => {
    if (specs.length === 0) return [];
    const now = await retryWhileUnavailable(() => serverNow(redis, pool), warn);
    return specs.filter(({ runId, expiresAt = Number.POSITIVE_INFINITY }) => {
      if (now < expiresAt) return true;
      known.serve(runId);
      decline(runId, new ShardlineError('run-expired', { runId, at: instant(expiresAt) }));
      return false;
    });
  };

  /** A run that this version cannot read, such as one of a newer version, is left to other agents. */
  const readableSpec = (id: string, text: string): readonly RunSpec[] => {
    const named = runIdSchema.safeParse(id);
    if (!named.success) return [];
    try {
      return [decodeSpec(text, { pool, run: named.data, verifier }, `run ${named.data}`)];
    } catch (thrown) {
      if (!(thrown instanceof ShardlineError)) throw thrown;
      if (known.isNews(named.data, text)) decline(named.data, thrown);
      return [];
    }
  };

  return {
    async nextRun(signal) {
      // Reads from the stream's beginning: an old entry only causes one more look at the open runs.
      for await (const _ of readStream(redis, keys.opened, '0', 100, signal, IDLE_BLOCK_MS)) {
        const spec = await openRun();
        if (spec !== null) return spec;
      }
      return null;
    },
    async join(spec) {
      known.serve(spec.runId);
      membership.joining?.(spec);
      return work.count(
        spec.runId,
        await joinRun({ redis, pool, runId: spec.runId, unitsIn: spec.unitsIn, agent, labels, signer, verifier, warn }),
      );
    },
    async [Symbol.asyncDispose]() {
      await heart.stop();
      await withinASecond(leavePresence(redis, keys, agent));
      line?.disconnect();
      redis.disconnect();
    },
  };
}
