// The contract of the units that runs of a pool share, over every supported server and over the model.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunChannel, UnitsStore } from '../../coordinator/ports.ts';
import { attemptId, type RunId, runId, shardId } from '../../shared/domain/ids.ts';
import { type RunUnits, UNITS_LEASE_MS } from '../../shared/domain/leased-units.ts';
import { opened } from '../unit/core/run-kit.ts';
import { type Backend, backends } from './backends.ts';

const attempt = attemptId(shardId(1), 1);
let pools = 0;

describe.each(backends)('the units of a pool over %s', (_, start) => {
  let backend: Backend;
  let pool: string;
  const channels: RunChannel[] = [];
  beforeAll(async () => {
    backend = await start();
  });
  afterAll(async () => {
    for (const channel of channels) await channel.close();
    await backend[Symbol.asyncDispose]();
  });
  const openRun = async (name: string): Promise<{ readonly run: RunId; readonly store: UnitsStore }> => {
    const spec = { ...opened([]).spec, runId: runId(name), pool, unitsIn: pool };
    const channel = await backend.pools.openRun(spec);
    channels.push(channel);
    if (channel.units === null) throw new Error('the run shares nothing');
    return { run: spec.runId, store: channel.units };
  };
  const holding = (until: number): RunUnits => ({
    epoch: 1,
    until,
    limits: { db: 2 },
    claims: [{ attempt, resources: [{ name: 'db', units: 1 }], since: until - UNITS_LEASE_MS, isGranted: true }],
  });

  test('a write replaces the entry of its run, unless another run has written since the read', async () => {
    pools += 1;
    pool = `units${pools}`;
    const [one, two] = [await openRun(`one${pools}`), await openRun(`two${pools}`)];
    const empty = await one.store.read();
    expect(empty.book.size).toBe(0);
    expect(Math.abs(empty.now - Date.now())).toBeLessThan(10_000);
    const units = holding(empty.now + UNITS_LEASE_MS);
    expect(await one.store.write(empty.version, units, [])).toBe(true);
    expect(await two.store.write(empty.version, units, [])).toBe(false);
    const found = await two.store.read();
    expect(found.book).toEqual(new Map([[one.run, units]]));
    expect(await two.store.write(found.version, units, [])).toBe(true);
    expect(await two.store.write(found.version, units, [])).toBe(false);
    const both = await one.store.read();
    expect(new Set(both.book.keys())).toEqual(new Set([one.run, two.run]));
    expect(await one.store.write(both.version, null, [two.run])).toBe(true);
    const none = await one.store.read();
    expect(none.book.size).toBe(0);
    expect(await two.store.write(both.version, units, [])).toBe(false);
  });

  test('an agent reads what its run may use, and how old that is; nothing of a run without units', async () => {
    pools += 1;
    pool = `units${pools}`;
    const { run, store } = await openRun(`read${pools}`);
    const spec = { ...opened([]).spec, runId: run, pool, unitsIn: pool };
    await using member = await backend.member(spec);
    const joined = await member.join(spec);
    expect(await joined.leasedUnits()).toEqual({ ageMs: Number.POSITIVE_INFINITY, granted: new Set() });
    const { version, now } = await store.read();
    await store.write(version, holding(now + UNITS_LEASE_MS - 5000), []);
    const leased = await joined.leasedUnits();
    expect(leased?.granted).toEqual(new Set([attempt]));
    expect(leased?.ageMs).toBeGreaterThanOrEqual(5000);
    expect(leased?.ageMs).toBeLessThan(15_000);
    await joined.leave();
  });

  test('a run that shares its resources with no other has no units', async () => {
    const spec = { ...opened([]).spec, runId: runId('alone'), pool: 'alone' };
    const channel = await backend.pools.openRun(spec);
    channels.push(channel);
    expect(channel.units).toBeNull();
    await using member = await backend.member(spec);
    const joined = await member.join(spec);
    expect(await joined.leasedUnits()).toBeNull();
    await joined.leave();
  });
});
