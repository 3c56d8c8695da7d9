// The `UnitsStore` port over the model.

import type { UnitsStore } from '../../../coordinator/ports.ts';
import type { RunId } from '../../../shared/domain/ids.ts';
import type { Connection } from './connection.ts';
import { poolOf } from './scripts.ts';
import type { RedisServer } from './server.ts';

export const modelUnits = (server: RedisServer, redis: Connection, pool: string, own: RunId): UnitsStore => ({
  read: () =>
    redis.request(() => {
      const { units, unitsVersion: version } = poolOf(server, pool);
      return { version, now: Math.floor(server.schedule.now()), book: new Map(units), unreadable: null };
    }),
  write: (version, entry, gone) =>
    redis.request(() => {
      const data = poolOf(server, pool);
      if (data.unitsVersion !== version) return false;
      for (const run of gone) data.units.delete(run);
      if (entry === null) data.units.delete(own);
      else data.units.set(own, entry);
      data.unitsVersion = server.nextId();
      return true;
    }),
});
