// The simulation must find bugs: with one protection switched off at a time, one of the first seeds breaks a rule.

import { afterEach, expect, test, vi } from 'vitest';
import type * as AttemptRequests from '../../coordinator/core/decide/attempt-request.ts';
import type * as LeaseUnits from '../../coordinator/core/decide/needs/pool-grants.ts';
import type * as Holders from '../../coordinator/core/state/attempts/holders.ts';
import type * as RemainingWork from '../../coordinator/core/state/remaining-work.ts';
import { attemptId } from '../../shared/domain/ids.ts';
import { type Defects, SOUND } from '../fakes/redis/server.ts';
import { problemsOf } from './check.ts';
import { play } from './play.ts';
import { type Fault, needyScenarioOf, scenarioOf as plainScenarioOf, type Scenario } from './scenario.ts';
import { shrink, sizeOf } from './shrink.ts';

/** The bug is found within this many seeds; seeds that cannot show it are skipped. */
const SEEDS = 400;
/** How many smaller scenarios are tried. */
const TRIES = 80;

/** Mutations of the core, which the mocks below read. */
const mutation = vi.hoisted(() => ({ noFence: false, noCompleteness: false, noHold: false, noOthers: false }));

vi.mock('../../coordinator/core/decide/attempt-request.ts', async (original) => {
  const real = await original<typeof AttemptRequests>();
  const nextAttempt: typeof real.nextAttempt = (state, shard, role) => {
    const request = real.nextAttempt(state, shard, role);
    return request === null || !mutation.noFence ? request : { ...request, fence: 1, id: attemptId(shard, 1) };
  };
  return { ...real, nextAttempt };
});

vi.mock('../../coordinator/core/state/remaining-work.ts', async (original) => {
  const real = await original<typeof RemainingWork>();
  return { ...real, isComplete: (state, record) => mutation.noCompleteness || real.isComplete(state, record) } satisfies typeof real;
});

vi.mock('../../coordinator/core/state/attempts/holders.ts', async (original) => {
  const real = await original<typeof Holders>();
  const unitsInUse: typeof real.unitsInUse = (state) => (mutation.noHold ? new Map() : real.unitsInUse(state));
  return { ...real, unitsInUse };
});

vi.mock('../../coordinator/core/decide/needs/pool-grants.ts', async (original) => {
  const real = await original<typeof LeaseUnits>();
  const leaseUnits: typeof real.leaseUnits = (book, request, now) =>
    real.leaseUnits(mutation.noOthers ? new Map([...book].filter(([run]) => run === request.run)) : book, request, now);
  return { ...real, leaseUnits };
});

afterEach(() => {
  Object.assign(mutation, { noFence: false, noCompleteness: false, noHold: false, noOthers: false });
});

interface Bug {
  readonly name: string;
  readonly plant: () => Defects;
  /** The fault that a scenario needs to show the bug; null if any scenario can. */
  readonly needs: Fault['kind'] | null;
  readonly scenarioOf?: (seed: number) => Scenario;
}

const bugs: readonly Bug[] = [
  {
    name: 'attempts of one shard that all have the same fence',
    plant: () => {
      mutation.noFence = true;
      return SOUND;
    },
    needs: null,
  },
  {
    name: 'a deposed coordinator that may write',
    plant: () => ({ ...SOUND, ignoresEpochs: true }),
    needs: 'take-over',
  },
  {
    name: 'a lease that is taken from a living coordinator',
    plant: () => ({ ...SOUND, ignoresLeases: true }),
    needs: 'take-over',
  },
  {
    name: 'a shard that is done with tests missing',
    plant: () => {
      mutation.noCompleteness = true;
      return SOUND;
    },
    needs: null,
  },
  {
    name: 'a batch of events that is stored again when it is sent again',
    plant: () => ({ ...SOUND, storesAgain: true }),
    needs: 'break',
  },
  {
    name: 'an agent that keeps what it fetched and did not begin',
    plant: () => ({ ...SOUND, keepsPrefetched: true }),
    needs: 'leave',
  },
  {
    name: 'a resource that is granted although others hold it',
    plant: () => {
      mutation.noHold = true;
      return SOUND;
    },
    needs: null,
    scenarioOf: needyScenarioOf,
  },
  {
    name: 'a resource that is granted although another run holds it',
    plant: () => {
      mutation.noOthers = true;
      return SOUND;
    },
    needs: null,
    scenarioOf: needyScenarioOf,
  },
];

test.each(bugs)('the simulation finds $name and shrinks the scenario', async ({ plant, needs, scenarioOf = plainScenarioOf }) => {
  const defects = plant();
  const run = (scenario: Scenario) => play(scenario, defects);
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const scenario = scenarioOf(seed);
    if (needs !== null && !scenario.faults.some(({ kind }) => kind === needs)) continue;
    const problems = problemsOf(await run(scenario));
    if (problems.length === 0) continue;
    const shrunk = await shrink(scenario, run, TRIES);
    console.info(`seed ${seed}: ${problems[0]}; shrunk to ${sizeOf(shrunk.scenario)}: ${shrunk.problems[0]}`);
    expect(shrunk.problems.length).toBeGreaterThan(0);
    return;
  }
  expect.unreachable(`none of ${SEEDS} seeds shows it`);
});
