// Predicts how long a suite takes on other numbers of agents: shardline's own planner on measured durations. A prediction is never shown as
// a measurement.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import { fileOf } from '../../../shared/domain/ids.ts';
import type { FileTiming, Timings } from '../../../shared/domain/suite/timings.ts';
import { sum } from '../../../shared/numbers.ts';
import { affinityOf, unite } from '../../core/plan/affinity.ts';
import { planShards } from '../../core/plan/plan.ts';
import { splitUnits } from '../../core/plan/split.ts';
import type { Measurement } from './measurement.ts';

export const predictedAgents = [1, 2, 4, 8, 16] as const;
/** More agents stop helping when doubling them saves less than this share. */
export const LEAST_GAIN = 0.2;

export interface Costs {
  /** Time before the first test and after the last, for any number of agents: preparation, start, end. */
  readonly fixedSeconds: number;
  /** The cost of one shard besides its tests. */
  readonly shardSeconds: number;
  readonly workersPerAgent: number;
  readonly dist: string;
}

export interface Predicted {
  readonly agents: number;
  readonly workers: number;
  readonly seconds: number;
}

export interface Prediction {
  readonly rows: readonly Predicted[];
  /** The smallest number of agents in `rows` at which doubling them gains less than LEAST_GAIN; null if more still help. */
  readonly knee: number | null;
  /** The time that no number of agents can shorten. */
  readonly floor: {
    readonly fixedSeconds: number;
    /** Session and package fixtures, which each xdist worker sets up. */
    readonly sessionSeconds: number;
    /** Tests that run alone, one after another. */
    readonly serialSeconds: number;
    /** The longest shard in the plan for the most agents. */
    readonly longestSeconds: number;
    readonly longest: string;
  };
}

/** Returns durations of every file, as a run of shardline would learn them. Serial tests are left out, because they hold up no shard. */
export function timingsOf({ files, tests }: Pick<Measurement, 'files' | 'tests'>): Timings {
  const ran = Map.groupBy(tests, ([id]) => fileOf(id));
  const all = new Set<TestFile>([...files.keys(), ...ran.keys()]);
  return new Map(
    [...all].map((file): [TestFile, FileTiming] => {
      const here = (ran.get(file) ?? []).filter(([, { isSerial }]) => !isSerial);
      const collectSeconds = files.get(file) ?? 0;
      const fixtureSeconds = sum(here.map(([, { fileSeconds }]) => fileSeconds));
      const own = new Map<NodeId, number>(
        here.map(([id, { seconds, fileSeconds, sessionSeconds }]) => [id, Math.max(0, seconds - fileSeconds - sessionSeconds)]),
      );
      const seconds = collectSeconds + fixtureSeconds + sum([...own.values()]);
      return [file, { seconds, collectSeconds, fixtureSeconds, tests: own, lastRuns: new Map() }];
    }),
  );
}

export function predict(
  measurement: Pick<Measurement, 'files' | 'tests'>,
  costs: Costs,
  asked: readonly number[] = predictedAgents,
): Prediction {
  const timings = timingsOf(measurement);
  const tests = [...measurement.tests.values()];
  const serialSeconds = sum(tests.filter(({ isSerial }) => isSerial).map(({ seconds }) => seconds));
  const sessionSeconds = sum(tests.filter(({ isSerial }) => !isSerial).map((test) => test.sessionSeconds));
  const always = costs.fixedSeconds + sessionSeconds + serialSeconds;
  const rows = asked.map((agents) => {
    const workers = agents * costs.workersPerAgent;
    return { agents, workers, seconds: always + planFor(timings, agents, costs).predictedMakespanSeconds };
  });
  const knee = rows.find((row, index) => {
    const next = rows[index + 1];
    return next !== undefined && row.seconds - next.seconds < LEAST_GAIN * row.seconds;
  });
  const [longest] = planFor(timings, asked.at(-1) ?? 1, costs).shards;
  return {
    rows,
    knee: knee?.agents ?? null,
    floor: {
      fixedSeconds: costs.fixedSeconds,
      sessionSeconds,
      serialSeconds,
      longestSeconds: longest?.predictedSeconds ?? 0,
      longest: longest?.selectors[0]?.file ?? '',
    },
  };
}

function planFor(timings: Timings, agents: number, { workersPerAgent, dist, shardSeconds }: Costs) {
  const affinity = affinityOf(dist, []);
  const files = [...timings].map(([file, { seconds }]) => ({ selectors: [{ kind: 'file', file } as const], seconds }));
  const slots = agents * workersPerAgent;
  const united = unite(files, affinity);
  const units = splitUnits(united, { timings, affinity, slots, thresholdSeconds: null });
  return planShards({ units, slots, fixedSeconds: shardSeconds });
}
