// `shardline serve`: shows the runs of a pool in a browser while they run. It reads Redis and writes nothing.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { connect } from '../../shared/redis/connect.ts';
import { serverNow } from '../../shared/redis/server-clock.ts';
import type { ServeSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { aheadOf } from '../../shared/wire/agreed-time.ts';
import { watchPool } from '../redis/inspect/watch-pool.ts';
import { isLoopback, serveDashboard } from '../web/dashboard-server.ts';
import type { LiveRun } from '../web/live-run.ts';
import { createLiveRuns } from '../web/live-runs.ts';

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

async function listening(settings: ServeSettings, token: string | null, runs: () => readonly LiveRun[]) {
  try {
    return await serveDashboard({ host: settings.host, port: settings.port, token }, runs);
  } catch (thrown) {
    throw new ShardlineError('cannot-listen', { host: settings.host, port: settings.port, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
