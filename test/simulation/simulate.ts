// `npm run simulate -- --seeds 1-10000 [--resources] [--two-runs]`: plays these seeds, and shrinks and prints those whose runs break a rule. Exits with 1 if one does.
// `npm run simulate -- --scale`: plays large runs instead, and compares their schedule with two others.

import { parseArgs } from 'node:util';
import { problemsOf } from './check.ts';
import { play } from './play.ts';
import { playGrowth } from './scale/growth.ts';
import { playTable } from './scale/scale.ts';
import { needyScenarioOf, scenarioOf, sharedNeedyScenarioOf, sharedScenarioOf } from './scenario.ts';
import { shrink, sizeOf } from './shrink.ts';

const USAGE = `usage: npm run simulate -- --seeds FIRST-LAST [--resources] [--two-runs]
       npm run simulate -- --scale [--scenario NAME] [--tests N] [--files N] [--agents N] [--workers N] [--seed N]
       npm run simulate -- --scale --growth [--tests MOST]`;
/** How often the progress is printed. */
const PROGRESS_SEEDS = 1000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1-1000' },
    resources: { type: 'boolean', default: false },
    'two-runs': { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    tests: { type: 'string', default: '10000' },
    files: { type: 'string' },
    agents: { type: 'string', default: '100' },
    workers: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (values.scale) {
  const countOf = (text: string, most: number): number => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= 1 && count <= most) return count;
    console.error(`${text} is not a whole number from 1 to ${most}\n${USAGE}`);
    process.exit(4);
  };
  const tests = countOf(values.tests, 1_000_000);
  const seed = countOf(values.seed, 2 ** 31);
  if (values.growth) {
    await playGrowth(tests, seed);
    process.exit(0);
  }
  const files = countOf(values.files ?? String(Math.ceil(tests / 10)), tests);
  const [agents, workers] = [countOf(values.agents, 10_000), countOf(values.workers, 1000)];
  process.exit((await playTable(values.scenario ?? null, { tests, files, agents, workers, seed })) ? 0 : 1);
}
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
