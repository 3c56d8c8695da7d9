// What a coordinator makes of entries that it cannot read among the units of its pool.

import { expect, test } from 'vitest';
import { redisUnitsStore } from '../../coordinator/redis/units-store.ts';
import { runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { poolKeys } from '../../shared/redis/keys.ts';
import { encodeUnits } from '../../shared/wire/fleet/leased-units.ts';
import { startServer } from '../support/redis.ts';

const entry = { epoch: 1, until: 5000, limits: { db: 1 }, claims: [] };

test('leaves out what no coordinator wrote, and says that a newer version has written', async () => {
  await using server = await startServer();
  const redis = await connect(server.url, 'coordinator');
  try {
    const store = redisUnitsStore(redis, 'default', runId('own'));
    const { units } = poolKeys('default');
    await redis.hset(units, { one: encodeUnits(entry), text: 'no JSON', form: '{"version":1,"units":7}', 'no id!': 'x' });
    expect(await store.read()).toMatchObject({ book: new Map([[runId('one'), entry]]), unreadable: null });
    await redis.hset(units, { new: JSON.stringify({ version: 2, units: { form: 'unknown' } }) });
    const { book, unreadable } = await store.read();
    expect([...book.keys()]).toEqual(['one']);
    expect(unreadable).toMatchObject({
      code: 'units-unreadable',
      values: { key: units, runId: 'own', problem: expect.stringContaining('run new of a newer shardline has claimed units in format 2') },
    });
  } finally {
    redis.disconnect();
  }
});
