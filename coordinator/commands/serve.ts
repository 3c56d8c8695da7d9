// `shardline serve`: shows the runs of a pool in a browser while they run. It reads Redis and writes nothing.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { connect } from '../../shared/redis/connect.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import type { ListenAddress, ServeSettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { type MetricsServer, serveMetrics } from '../../shared/system/metrics-server.ts';
import { aheadOf } from '../../shared/wire/agreed-time.ts';
import { readFleet } from '../redis/inspect/fleet.ts';
import { watchPool } from '../redis/inspect/watch-pool.ts';
import { isLoopback, serveDashboard } from '../web/dashboard-server.ts';
import type { LiveRun } from '../web/live-run.ts';
import { createLiveRuns } from '../web/live-runs.ts';

type PoolRedis = Parameters<typeof readFleet>[0];

/** Serves until SIGINT or SIGTERM, then resolves with the exit code. Throws `redis-unreachable`, `redis-auth` and `cannot-listen`. */
export async function serveCommand(settings: ServeSettings, edge: Edge): Promise<number> {
  const stopping = new AbortController();
  const ignore = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => edge.onSignal(name, () => stopping.abort()));
  const redis = await connect(settings.redis, 'shardline:serve', { tls: settings.redisTls });
  try {
    // If the Redis account may not read the server's time, this machine's clock is used.
    const aheadMs = await serverNow(redis).then(
      (now) => aheadOf(now, Date.now()),
      (thrown: unknown) => (/NOPERM/.test(String(thrown)) ? 0 : Promise.reject(thrown)),
    );
    const runs = createLiveRuns(aheadMs);
    const token = settings.token ?? (isLoopback(settings.host) ? null : randomBytes(16).toString('hex'));
    await using dashboard = await listening(settings, token, runs.newestFirst);
    edge.stdout.write(`${dashboard.url}\n`);
    await using metrics = settings.metrics === null ? null : await measured(settings, settings.metrics, redis, stopping.signal);
    if (metrics !== null) edge.stderr.write(`shardline serve: metrics at ${metrics.url}\n`);
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

/** How often the metrics are read from Redis. */
const MEASURE_MS = 2000;

/** Serves the metrics of the pool. Reads them anew until `signal` aborts, across failures of Redis. */
async function measured(
  { pool, scaling }: ServeSettings,
  address: ListenAddress,
  redis: PoolRedis,
  signal: AbortSignal,
): Promise<MetricsServer> {
  const { fleetMetrics } = await import('./fleet/fleet-metrics.ts');
  const metrics = fleetMetrics(pool, scaling);
  let answeredAt: number | null = null;
  const measure = async (): Promise<void> => {
    for (; !signal.aborted; await systemClock.wait(MEASURE_MS, signal).catch(() => undefined)) {
      const fleet = await readFleet(redis, pool).catch(() => null);
      if (fleet === null) continue;
      metrics.update(fleet);
      answeredAt = performance.now();
    }
  };
  void measure();
  return await serveMetrics(address, metrics.registry, () => answeredAt);
}

async function listening(settings: ServeSettings, token: string | null, runs: () => readonly LiveRun[]) {
  try {
    return await serveDashboard({ host: settings.host, port: settings.port, token }, runs);
  } catch (thrown) {
    throw new ShardlineError('cannot-listen', { host: settings.host, port: settings.port, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
