// `npm run simulate -- --scale`: plays runs at scale and prints a table. docs/performance.md has the results.

import { playAtScale, type ScaleResult } from './play.ts';
import type { RivalResult } from './rivals.ts';
import { type ScaleScenario, type ScaleSize, scaleScenarios, truthAtScale } from './scenario.ts';

/** Plays the scenario of this name, or all. Returns false if a run lost a test, or if there is no such scenario. */
export async function playTable(name: string | null, size: ScaleSize): Promise<boolean> {
  const chosen = scaleScenarios.filter((scenario) => name === null || scenario.name === name);
  if (chosen.length === 0) {
    console.error(`No scenario ${name}. Fix: choose one of ${scaleScenarios.map((scenario) => scenario.name).join(', ')}`);
    return false;
  }
  const { tests, files, agents, workers } = size;
  console.log(
    `${tests} tests in ${files} files, ${agents} agents of ${workers} ${workers === 1 ? 'worker' : 'workers'}, seed ${size.seed}`,
  );
  console.log(row(HEAD));
  let isWhole = true;
  for (const scenario of chosen) {
    const result = await playAtScale(truthAtScale(scenario, size));
    console.log(row(cells(scenario, size, result)));
    const { passed } = result.report.totals;
    if (passed === tests) continue;
    console.error(`${scenario.name}: ${passed} of ${tests} tests passed`);
    isWhole = false;
  }
  return isWhole;
}

const HEAD = [
  'scenario',
  'bound s',
  'queue',
  'lost %',
  'dupl. %',
  'parts',
  'wasted %',
  'fifo',
  'wasted %',
  'plan s',
  'turns s',
  'merge s',
  's/1000',
  'state MB',
  'report MB',
];
const WIDTH = 10;
const NAME_WIDTH = 14;

const row = ([name = '', ...others]: readonly string[]): string =>
  [name.padEnd(NAME_WIDTH), ...others.map((each) => each.padStart(WIDTH))].join('');

function cells({ name }: ScaleScenario, { tests }: ScaleSize, result: ScaleResult): readonly string[] {
  const { boundSeconds, makespanSeconds, waste, cost } = result;
  const percent = (seconds: number): string => ((100 * Math.max(0, seconds)) / waste.spentSeconds).toFixed(2);
  const rival = ({ makespanSeconds: seconds, wastedSeconds, spentSeconds }: RivalResult): readonly string[] => [
    (seconds / boundSeconds).toFixed(2),
    ((100 * wastedSeconds) / spentSeconds).toFixed(2),
  ];
  const { planSeconds, turnSeconds, mergeSeconds, stateBytes, reportBytes } = cost;
  return [
    name,
    boundSeconds.toFixed(1),
    (makespanSeconds / boundSeconds).toFixed(2),
    percent(waste.lostSeconds),
    percent(waste.duplicatedSeconds),
    ...rival(result.staticParts),
    ...rival(result.plainQueue),
    planSeconds.toFixed(2),
    turnSeconds.toFixed(2),
    mergeSeconds.toFixed(2),
    ((1000 * (planSeconds + turnSeconds + mergeSeconds)) / tests).toFixed(4),
    (stateBytes / 1e6).toFixed(0),
    (reportBytes / 1e6).toFixed(0),
  ];
}
