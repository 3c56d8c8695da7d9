// `npm run simulate -- --seeds 1-10000 [--resources] [--two-runs]`: plays these seeds, and shrinks and prints those whose runs break a rule. Exits with 1 if one does.

import { parseArgs } from 'node:util';
import { problemsOf } from './check.ts';
import { play } from './play.ts';
import { needyScenarioOf, scenarioOf, sharedNeedyScenarioOf, sharedScenarioOf } from './scenario.ts';
import { shrink, sizeOf } from './shrink.ts';

const USAGE = 'usage: npm run simulate -- --seeds FIRST-LAST [--resources] [--two-runs]';
/** How often the progress is printed. */
const PROGRESS_SEEDS = 1000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1-1000' },
    resources: { type: 'boolean', default: false },
    'two-runs': { type: 'boolean', default: false },
  },
});
const oneRun = values.resources ? needyScenarioOf : scenarioOf;
const twoRuns = values.resources ? sharedNeedyScenarioOf : sharedScenarioOf;
const scenarioFor = values['two-runs'] ? twoRuns : oneRun;
const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(values.seeds)?.map(Number) ?? [];
if (first === undefined) {
  console.error(USAGE);
  process.exit(4);
}

const begunAt = performance.now();
const seconds = (): string => ((performance.now() - begunAt) / 1000).toFixed(1);
const verdicts = new Map<string, number>();
let failing = 0;
const end = Number.isNaN(last) || last === undefined ? first : last;
for (let seed = first; seed <= end; seed += 1) {
  const scenario = scenarioFor(seed);
  const played = await play(scenario);
  const verdict = played.ended.at(-1)?.report.verdict ?? 'no report';
  verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  if (problemsOf(played).length > 0) {
    failing += 1;
    const shrunk = await shrink(scenario);
    console.log(`seed ${seed} fails: ${shrunk.problems.join('; ')}`);
    console.log(`shrunk from ${sizeOf(scenario)} to ${sizeOf(shrunk.scenario)}; to keep it, save this as test/simulation/kept/NAME.json:`);
    console.log(JSON.stringify(shrunk.scenario));
  }
  if ((seed - first + 1) % PROGRESS_SEEDS === 0) console.error(`${seed - first + 1} seeds, ${failing} failing, ${seconds()} s`);
}
const counts = [...verdicts].sort(([, left], [, right]) => right - left).map(([verdict, count]) => `${count} ${verdict}`);
console.log(`${end - first + 1} seeds in ${seconds()} s: ${counts.join(', ')}`);
console.log(failing === 0 ? 'every run keeps every rule' : `${failing} of them break a rule`);
process.exitCode = failing === 0 ? 0 : 1;
