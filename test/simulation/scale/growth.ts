// `npm run simulate -- --scale --growth`: how the cost of the coordinator's core grows with the tests and with the agents of a run.

import { sum } from '../../../shared/numbers.ts';
import { type Cost, playAtScale } from './play.ts';
import { scaleScenarios, truthAtScale } from './scenario.ts';

interface Point {
  readonly tests: number;
  readonly agents: number;
}

const TESTS_PER_FILE = 10;
/** Tests of a run whose agents grow, and agents of a run whose tests grow. */
const FIXED: Point = { tests: 50_000, agents: 100 };
const AGENTS = [1, 10, 100, 1000, 10_000];
/** The fit leaves out smaller runs: their cost is mostly that of code which is not compiled yet. */
const FITTED = 3;

/** Prints the cost of runs of up to so many tests, and of runs with up to 10,000 agents, with the fitted exponents. */
export async function playGrowth(mostTests: number, seed: number): Promise<void> {
  const tests = [1000, 10_000, 100_000, 1_000_000].filter((count) => count <= mostTests);
  // The first run also pays for compiling.
  await measure({ tests: 1000, agents: 10 }, seed);
  await playSeries(
    'tests',
    tests.map((count) => ({ ...FIXED, tests: count })),
    seed,
  );
  await playSeries(
    'agents',
    AGENTS.map((count) => ({ ...FIXED, agents: count })),
    seed,
  );
  await playSeries(
    'both',
    tests.map((count) => ({ tests: count, agents: count / 100 })),
    seed,
  );
}

async function playSeries(name: 'tests' | 'agents' | 'both', points: readonly Point[], seed: number): Promise<void> {
  console.log(name === 'both' ? 'tests and agents grow' : `${name} grow`);
  console.log(row(['tests', 'agents', 'plan s', 'turns s', 'merge s', 'state MB', 'report MB']));
  const costs: Cost[] = [];
  for (const point of points) {
    const cost = await measure(point, seed);
    costs.push(cost);
    console.log(row([String(point.tests), String(point.agents), ...numbersOf(cost).map((each) => each.toFixed(3))]));
  }
  const sizes = points.map(({ tests, agents }) => (name === 'agents' ? agents : tests)).slice(-FITTED);
  const fitted = costs.slice(-FITTED).map(numbersOf);
  const exponents = numbersOf(costs[0]).map((_, column) =>
    exponent(
      sizes,
      fitted.map((each) => each[column] ?? 0),
    ),
  );
  console.log(row(['exponent', '', ...exponents.map((each) => each.toFixed(2))]));
}

async function measure({ tests, agents }: Point, seed: number): Promise<Cost> {
  const [scenario] = scaleScenarios;
  if (scenario === undefined) throw new Error('there is no scenario');
  const size = { tests, files: Math.ceil(tests / TESTS_PER_FILE), agents, workers: 1, seed };
  return (await playAtScale(truthAtScale(scenario, size))).cost;
}

const numbersOf = (cost: Cost | undefined): readonly number[] =>
  cost === undefined ? [] : [cost.planSeconds, cost.turnSeconds, cost.mergeSeconds, cost.stateBytes / 1e6, cost.reportBytes / 1e6];

/** The slope of the least-squares line through the logarithms. */
export function exponent(sizes: readonly number[], costs: readonly number[]): number {
  const points = sizes.map((size, index) => [Math.log(size), Math.log(Math.max(costs[index] ?? 0, 1e-6))] as const);
  const mean = (axis: 0 | 1): number => sum(points.map((point) => point[axis])) / points.length;
  const [x, y] = [mean(0), mean(1)];
  return sum(points.map((point) => (point[0] - x) * (point[1] - y))) / sum(points.map((point) => (point[0] - x) ** 2));
}

const WIDTH = 11;
const row = (cells: readonly string[]): string => cells.map((each) => each.padStart(WIDTH)).join('');
