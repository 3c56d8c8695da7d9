// `shardline serve`: shows the runs and agents of a pool in a browser. It reads Redis and writes nothing.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { messageOf, reasonOf, ShardlineError } from '../../shared/errors.ts';
import { connect } from '../../shared/redis/connect.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import type { ListenAddress, ServeSettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { type MetricsServer, serveMetrics } from '../../shared/system/metrics-server.ts';
import { aheadOf } from '../../shared/wire/agreed-time.ts';
import { type Fleet, readFleet } from '../redis/inspect/fleet.ts';
import { watchPool } from '../redis/inspect/watch-pool.ts';
import { type Content, isLoopback, serveDashboard } from '../web/dashboard-server.ts';
import type { PoolAgents } from '../web/live-messages.ts';
import { createLiveRuns } from '../web/live-runs.ts';
import { poolAgents } from './fleet/pool-board.ts';

type PoolRedis = Parameters<typeof readFleet>[0];

/** Serves until SIGINT or SIGTERM, then resolves with the exit code. Throws `redis-unreachable`, `redis-auth` and `cannot-listen`. */
export async function serveCommand(settings: ServeSettings, edge: Edge): Promise<number> {
  const stopping = new AbortController();
  const ignore = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => edge.onSignal(name, () => stopping.abort()));
  const redis = await connect(settings.redis, 'shardline:serve', { tls: settings.redisTls });
  try {
    // If the Redis account may not read the server's time, this machine's clock is used.
    const aheadMs = await serverNow(redis, settings.pool).then(
      (now) => aheadOf(now, Date.now()),
      (thrown: unknown) => (/NOPERM/.test(String(thrown)) ? 0 : Promise.reject(thrown)),
    );
    const runs = createLiveRuns(aheadMs);
    const token = settings.token ?? (isLoopback(settings.host) ? null : randomBytes(16).toString('hex'));
    const fleet = createReadings();
    await using dashboard = await listening(settings, token, {
      runs: runs.newestFirst,
      pool: () => {
        const pool = fleet.newest();
        return pool === null ? null : { pool, isOld: performance.now() - (fleet.answeredAt() ?? 0) > OLD_MS };
      },
    });
    edge.stdout.write(`${dashboard.url}\n`);
    await using metrics = settings.metrics === null ? null : await measured(settings, settings.metrics, fleet);
    if (metrics !== null) edge.stderr.write(`shardline serve: metrics at ${metrics.url}\n`);
    void fleet.follow(redis, settings.pool, edge, stopping.signal);
    const watching = watchPool(
      redis,
      settings.pool,
      {
        onOpened: runs.opened,
        onEvents: runs.streamed,
        onClosed: (id) => runs.closed(id, Date.now()),
        onNote: runs.noted,
        onProblem: (id, problem) => void edge.stderr.write(`shardline serve: cannot show run ${id}: ${problem}\n`),
      },
      stopping.signal,
    );
    // While Redis is unreachable, `watching` does not settle, so the abort must end the wait.
    await Promise.race([watching, once(stopping.signal, 'abort')]);
    return 0;
  } finally {
    for (const stop of ignore) stop();
    redis.disconnect();
  }
}

/** How often the pool's agents and metrics are read from Redis. */
const READ_MS = 1000;
/** After so long without an answer, the page says that its agents may be gone. */
const OLD_MS = 10_000;

/** Reads what is in the pool, for the page and the metrics. */
function createReadings() {
  let newest: PoolAgents | null = null;
  let answeredAt: number | null = null;
  const users: ((fleet: Fleet) => void)[] = [];
  return {
    newest: () => newest,
    answeredAt: () => answeredAt,
    onFleet: (use: (fleet: Fleet) => void) => void users.push(use),
    /** Until `signal` aborts, across failures of Redis. */
    async follow(redis: PoolRedis, pool: string, { stderr }: Pick<Edge, 'stderr'>, signal: AbortSignal): Promise<void> {
      let said = '';
      for (; !signal.aborted; await systemClock.wait(READ_MS, signal).catch(() => undefined)) {
        try {
          const fleet = await readFleet(redis, pool);
          answeredAt = performance.now();
          newest = poolAgents(pool, fleet);
          for (const use of users) use(fleet);
        } catch (thrown) {
          // A lost connection comes back; an account that may not read this has to be changed.
          const problem = messageOf(thrown);
          if (/NOPERM/.test(problem) && problem !== said) stderr.write(`shardline serve: cannot show the agents: ${problem}\n`);
          said = problem;
        }
      }
    },
  };
}

async function measured(
  { pool, scaling }: ServeSettings,
  address: ListenAddress,
  { onFleet, answeredAt }: Pick<ReturnType<typeof createReadings>, 'onFleet' | 'answeredAt'>,
): Promise<MetricsServer> {
  const { fleetMetrics } = await import('./fleet/fleet-metrics.ts');
  const metrics = fleetMetrics(pool, scaling);
  onFleet(metrics.update);
  return await serveMetrics(address, metrics.registry, answeredAt);
}

async function listening(settings: ServeSettings, token: string | null, content: Content) {
  try {
    return await serveDashboard({ host: settings.host, port: settings.port, token }, content);
  } catch (thrown) {
    throw new ShardlineError('cannot-listen', { host: settings.host, port: settings.port, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
