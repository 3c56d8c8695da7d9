// Implements the `UnitsStore` port: a hash of the pool with an entry for each run. Redis stores what it is given; core decides.

import type { Redis } from 'ioredis';
import type { RunId } from '../../shared/domain/ids.ts';
import type { RunUnits } from '../../shared/domain/leased-units.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { poolKeys, UNITS_VERSION_FIELD } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { decodeUnits, encodeUnits } from '../../shared/wire/fleet/leased-units.ts';
import { readId, runIdSchema } from '../../shared/wire/parse.ts';
import type { UnitsStore } from '../ports.ts';
import { readScript } from './read-script.ts';

const READ = readScript('read-units');
const WRITE = readScript('write-units');

/** The key outlives the lease of the last run that wrote it. */
const LIFE_MS = 60_000;

export function redisUnitsStore(redis: Redis, pool: string, own: RunId): UnitsStore {
  const { units } = poolKeys(pool);
  return {
    async read() {
      const answer: unknown = await retryWhileUnavailable(() => redis.eval(READ, 1, units));
      const [now = '0', ...pairs] = Array.isArray(answer) ? answer.map(String) : [];
      const book = new Map<RunId, RunUnits>();
      let version = '';
      let unreadable: ShardlineError | null = null;
      /** Leaves out a text that no coordinator wrote: anyone with access to Redis may write any text there. */
      const read = (text: string, run: RunId): void => {
        try {
          book.set(run, decodeUnits(text, `the units of run ${run}`));
        } catch (thrown) {
          if (!(thrown instanceof ShardlineError) || thrown.code !== 'newer-version') return;
          const problem = `run ${run} of a newer shardline has claimed units in format ${thrown.values.found}, and this one reads up to ${thrown.values.known}`;
          unreadable ??= new ShardlineError('units-unreadable', { key: units, runId: own, problem }, { cause: thrown });
        }
      };
      for (let at = 0; at + 1 < pairs.length; at += 2) {
        const [field = '', text = ''] = pairs.slice(at, at + 2);
        if (field === UNITS_VERSION_FIELD) version = text;
        else for (const run of readId(runIdSchema, field)) read(text, run);
      }
      return { version, now: Number(now), book, unreadable };
    },
    async write(version, entry, gone) {
      const argv = [version, LIFE_MS, own, entry === null ? '' : encodeUnits(entry), UNITS_VERSION_FIELD, ...gone];
      return (await retryWhileUnavailable(() => redis.eval(WRITE, 1, units, ...argv))) === 1;
    },
  };
}
