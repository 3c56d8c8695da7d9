// What a run at scale plays, as plain data: how long files take, what the coordinator knows of that, and what its machines do.

import { type NodeId, nodeId, type TestFile, testFile } from '../../../shared/domain/ids.ts';
import type { FileTiming, Timings } from '../../../shared/domain/suite/timings.ts';
import { sum } from '../../../shared/numbers.ts';
import { type Random, randomOf } from '../random.ts';

export interface ScaleScenario {
  readonly name: string;
  /** Standard deviation of the logarithm of a file's seconds: 0 for files of one length. */
  readonly spread: number;
  /** Length of one further file in even shares of an xdist worker; 0 for none. */
  readonly giantShares: number;
  /** Standard deviation of the logarithm of known seconds divided by true seconds. */
  readonly staleness: number;
  /** The share of agents that need `slowness` times as long. */
  readonly slow: number;
  readonly slowness: number;
  /** The share of agents that die without notice, at any time of the run. */
  readonly deaths: number;
  /** The share of agents that leave with notice, around the middle of the run. */
  readonly preempted: number;
  /** The share of agents that join late, within the first half of the run. */
  readonly late: number;
}

const EVEN: ScaleScenario = {
  name: 'even',
  spread: 0.1,
  giantShares: 0,
  staleness: 0.05,
  slow: 0,
  slowness: 1,
  deaths: 0,
  preempted: 0,
  late: 0,
};

const USUAL = { ...EVEN, spread: 1 };

export const scaleScenarios: readonly ScaleScenario[] = [
  EVEN,
  { ...EVEN, name: 'heavy-tail', spread: 1.5, giantShares: 3 },
  { ...USUAL, name: 'stale-history', staleness: 1 },
  { ...USUAL, name: 'slow-machines', slow: 0.5, slowness: 2 },
  { ...USUAL, name: 'deaths', deaths: 0.05 },
  { ...USUAL, name: 'preemption', preempted: 0.3 },
  { ...USUAL, name: 'late-joiners', late: 0.5 },
];

export interface ScaleSize {
  readonly tests: number;
  readonly files: number;
  readonly agents: number;
  /** xdist workers of each agent. */
  readonly workers: number;
  readonly seed: number;
}

/** One file with its true seconds on a usual machine. */
export interface TrueFile {
  readonly name: TestFile;
  readonly collectSeconds: number;
  readonly tests: readonly number[];
  /** Known seconds divided by true seconds. */
  readonly knownAs: number;
}

export interface Machine {
  /** How many times as long everything takes. */
  readonly slowness: number;
  /** Instants in seconds from the start of the run. `noticeAt` and `diesAt` are infinite for a machine that stays. */
  readonly joinsAt: number;
  readonly noticeAt: number;
  readonly diesAt: number;
}

export interface ScaleTruth {
  readonly scenario: ScaleScenario;
  readonly size: ScaleSize;
  readonly files: readonly TrueFile[];
  readonly machines: readonly Machine[];
}

const MEAN_TEST_SECONDS = 1;
const COLLECT_SECONDS = 0.1;
/** Tests of one file differ by this much, as the standard deviation of a logarithm. */
const TEST_SPREAD = 0.5;
/** Tests of the giant file. */
const GIANT_TESTS = 200;
/** A machine that leaves with notice is gone this long after it. */
export const NOTICE_SECONDS = 30;

export function truthAtScale(scenario: ScaleScenario, size: ScaleSize): ScaleTruth {
  const files = filesOf(scenario, size, randomOf(size.seed, `${scenario.name} files`));
  const evenSeconds = sum(files.map(secondsOf)) / (size.agents * size.workers);
  const random = randomOf(size.seed, `${scenario.name} machines`);
  return { scenario, size, files, machines: Array.from({ length: size.agents }, () => machineOf(scenario, random, evenSeconds)) };
}

/** Seconds of the whole file on a usual machine. */
export const secondsOf = ({ collectSeconds, tests }: TrueFile): number => collectSeconds + sum(tests);

export const testOf = (file: TestFile, index: number): NodeId => nodeId(`${file}::test_${index}`);

/** The index of a test in its file. */
export const indexOf = (id: NodeId): number => Number(id.slice(id.lastIndexOf('_') + 1));

function filesOf({ spread, giantShares, staleness }: ScaleScenario, size: ScaleSize, random: Random): readonly TrueFile[] {
  const fileOf = (index: number, tests: number, seconds: number): TrueFile => {
    const weights = Array.from({ length: tests }, () => logNormal(random, TEST_SPREAD));
    const all = sum(weights);
    return {
      name: testFile(`tests/d${index % 100}/test_${index}.py`),
      collectSeconds: COLLECT_SECONDS,
      tests: weights.map((weight) => (weight / all) * seconds),
      knownAs: logNormal(random, staleness),
    };
  };
  const giants = giantShares > 0 ? 1 : 0;
  const giantTests = giants * Math.min(GIANT_TESTS, Math.floor(size.tests / 2));
  const count = size.files - giants;
  const usual = Array.from({ length: count }, (_, index) => {
    const tests = Math.floor(((index + 1) * (size.tests - giantTests)) / count) - Math.floor((index * (size.tests - giantTests)) / count);
    return fileOf(index, tests, tests * MEAN_TEST_SECONDS * logNormal(random, spread));
  });
  if (giants === 0) return usual;
  const giantSeconds = (giantShares * sum(usual.map(secondsOf))) / (size.agents * size.workers);
  // It comes last, as a queue without history would start it.
  return [...usual, fileOf(count, giantTests, giantSeconds)];
}

function machineOf({ slow, slowness, deaths, preempted, late }: ScaleScenario, random: Random, evenSeconds: number): Machine {
  const isSlow = random.chance(slow);
  const joinsAt = random.chance(late) ? random.next() * evenSeconds * 0.5 : 0;
  const diesAt = random.chance(deaths) ? random.next() * evenSeconds : Number.POSITIVE_INFINITY;
  const noticeAt = random.chance(preempted) ? (0.4 + 0.2 * random.next()) * evenSeconds : Number.POSITIVE_INFINITY;
  return { slowness: isSlow ? slowness : 1, joinsAt, noticeAt, diesAt: Math.min(diesAt, noticeAt + NOTICE_SECONDS) };
}

/** A log-normal number with mean 1 (Box and Muller 1958). */
function logNormal(random: Random, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.exp(sigma * normal - (sigma * sigma) / 2);
}

/** What an earlier run measured. */
export function knownTimings({ files }: ScaleTruth): Timings {
  return new Map(
    files.map((file): readonly [TestFile, FileTiming] => {
      const { name, collectSeconds, tests, knownAs } = file;
      return [
        name,
        {
          seconds: secondsOf(file) * knownAs,
          collectSeconds: collectSeconds * knownAs,
          fixtureSeconds: 0,
          tests: new Map(tests.map((seconds, index) => [testOf(name, index), seconds * knownAs])),
          lastRuns: new Map(),
        },
      ];
    }),
  );
}
