// `shardline cancel`: asks the coordinator of a run to end it and to report what has run.

import { runId } from '../../../shared/domain/ids.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { connect } from '../../../shared/redis/connect.ts';
import { runKeys } from '../../../shared/redis/keys.ts';
import type { CancelSettings } from '../../../shared/settings/settings.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { restartedId } from '../../core/decide/restart.ts';
import { redisPools } from '../../redis/pools.ts';

/** Agents give running tests 3 s, and the coordinator waits up to 10 s for their last results. */
const WAIT_MS = 20_000;
const LOOK_MS = 250;

/** Resolves with 0 once the run has ended. Throws `no-open-run` and `run-not-cancelled`. */
export async function cancelCommand({ redis: url, redisTls: tls, run: name }: CancelSettings, { stderr }: Edge): Promise<number> {
  const redis = await connect(url, 'shardline:cancel', { tls });
  try {
    const pools = redisPools(redis);
    // A run that restarted has a second id. The first one is closed then.
    const ids = [runId(name), restartedId(runId(name))];
    const asked = await Promise.all(ids.map((id) => pools.cancel(id)));
    const open = ids.filter((_, index) => asked[index] === true);
    if (open.length === 0) throw new ShardlineError('no-open-run', { runId: name });
    stderr.write(`Cancelled run ${name}; running tests have 3 s to finish.\n`);
    const keys = open.map((id) => runKeys(id).spec);
    for (const until = performance.now() + WAIT_MS; (await redis.exists(...keys)) > 0; await systemClock.wait(LOOK_MS)) {
      if (performance.now() > until) throw new ShardlineError('run-not-cancelled', { runId: name, seconds: WAIT_MS / 1000 });
    }
    stderr.write(`Run ${name} has ended; its coordinator writes the report.\n`);
    return 0;
  } finally {
    redis.disconnect();
  }
}
