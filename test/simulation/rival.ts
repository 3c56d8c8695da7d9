// Another run of the pool, as far as its resources go: it claims them as a coordinator does, and uses them for some time.

import { goneRuns, leaseUnits } from '../../coordinator/core/decide/needs/pool-grants.ts';
import type { UnitsStore } from '../../coordinator/ports.ts';
import { attemptId, runId, shardId } from '../../shared/domain/ids.ts';
import type { UnitsClaim } from '../../shared/domain/leased-units.ts';
import { openConnection } from '../fakes/redis/connection.ts';
import { startProcess } from '../fakes/redis/process.ts';
import { modelUnits } from '../fakes/redis/units.ts';
import { POOL } from './opening.ts';
import type { RivalUse } from './scenario.ts';
import { use } from './truth.ts';
import { describe, note, START, type World } from './world.ts';

const RIVAL = runId('rival');
const LOOK_MS = 500;
/** It stops when its last look is older: the units may be another run's. */
const LEASE_MS = 8000;

export function startRival(world: World): void {
  const { scenario, server, network, time } = world;
  const { rival = [], resources: limits = {} } = scenario;
  if (rival.length === 0) return;
  const process = startProcess(time, 'rival', 0, time.touch);
  const { clock } = process;
  const redis = openConnection(server, process, network);
  const store = modelUnits(server, redis, POOL, RIVAL);

  const ask = async (claims: readonly UnitsClaim[]): Promise<boolean> => {
    for (;;) {
      const { version, now, book } = await store.read();
      const units = claims.length === 0 ? null : leaseUnits(book, { run: RIVAL, epoch: 1, claims, limits }, now);
      if (await write(store, version, units, goneRuns(book, now))) return units?.claims.every(({ isGranted }) => isGranted) ?? true;
    }
  };
  const useOnce = async ({ resources, forMs }: RivalUse, number: number): Promise<void> => {
    const claims = [{ attempt: attemptId(shardId(number), 1), resources }];
    while (!(await ask(claims))) await clock.wait(LOOK_MS);
    const test = { id: `rival ${number}`, ms: forMs, outcome: 'passed', manner: 'steady', isSerial: false } as const;
    const stop = use(world.truth, { process, test: { ...test, needs: { labels: [], resources } } });
    note(world, `rival uses ${JSON.stringify(resources)}`);
    const until = clock.now() + forMs;
    for (let isOurs = true; isOurs && clock.now() < until; ) {
      await clock.wait(Math.min(LOOK_MS, until - clock.now()));
      const late = clock.wait(LEASE_MS).then(() => false);
      isOurs = await Promise.race([ask(claims), late]);
    }
    stop();
    await ask([]);
  };
  const serve = async (): Promise<void> => {
    for (const [index, each] of rival.entries()) {
      await clock.wait(Math.max(0, START + each.at - clock.now()));
      await useOnce(each, index + 1);
    }
    redis.close();
  };
  process.resume(() => {
    serve().catch((thrown: unknown) => void world.failures.push(`rival: ${describe(thrown)}`));
  });
}

const write = (store: UnitsStore, ...[version, units, gone]: Parameters<UnitsStore['write']>): Promise<boolean> =>
  store.write(
    version,
    units,
    gone.filter((run) => run !== RIVAL),
  );
