// Runs suites in every way of running and compares them with plain pytest: `npm run oracle -- --help`.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type GeneratedSuite, generateSuite, writeSuite } from './generate/generate.ts';
import { judge, problemsOf, type Verdict } from './harness.ts';
import { eachOf } from './pool.ts';
import { aspectsOf, judgeGenerated, shrink } from './shrink.ts';
import { readSuite } from './suite.ts';
import { tableRow, tableTop } from './table.ts';
import { everyWay, fewWays } from './ways.ts';

const HELP = `Runs suites in every way of running, and compares each with plain pytest.

  npm run oracle -- [FOLDER…]           suites in folders, or by their names in test/oracle/faults (default: all of these)
  npm run oracle -- --seeds 1-50        generated suites

  --few         only the ways that \`npm test\` uses
  --way TEXT    only the ways whose names contain TEXT
  --jobs N      N suites at once
  --table       print one row of a table for each suite
  --lines N     print at most N differences of a suite (default: 20)
  --shrink      reduce each generated suite that differs
  --keep DIR    keep the suites that differ in DIR

Prints the differences of each suite and a summary. Exits with 1 if there was a difference.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string' },
    few: { type: 'boolean', default: false },
    way: { type: 'string', default: '' },
    shrink: { type: 'boolean', default: false },
    keep: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    table: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
    lines: { type: 'string', default: '20' },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const ways = (values.few ? fewWays({ fleet: true, again: true }) : everyWay).filter(({ name }) => name.includes(values.way));
const faults = fileURLToPath(new URL('./faults', import.meta.url));
let differing = 0;

function say(name: string, verdict: Verdict): void {
  const problems = problemsOf(verdict);
  if (problems.length > 0) differing += 1;
  console.log(`${name}: ${problems.length === 0 ? 'equal' : 'DIFFERS'}`);
  const shown = Number(values.lines);
  for (const line of problems.slice(0, shown)) console.log(`  ${line}`);
  if (problems.length > shown) console.log(`  … and ${problems.length - shown} more lines (--lines ${problems.length})`);
}

async function runSeeds(range: string): Promise<void> {
  const [first = Number.NaN, last = first] = range.split('-').map(Number);
  if (!Number.isInteger(first) || !Number.isInteger(last)) throw new Error(`--seeds ${range} is no range. Fix: --seeds 1-50`);
  const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const run = async (seed: number) => ({ suite: generateSuite(seed), verdict: await judgeGenerated(generateSuite(seed), ways) });
  await eachOf(seeds, Number(values.jobs), run, async (seed, { suite, verdict }) => {
    say(`seed ${seed}`, verdict);
    if (problemsOf(verdict).length > 0) await keepSeed(seed, suite, verdict);
  });
  console.log(`${seeds.length} seeds, ${differing} differences`);
}

/** Keeps the suite of a seed that differs, and its smallest part that still differs. */
async function keepSeed(seed: number, suite: GeneratedSuite, verdict: Verdict): Promise<void> {
  const { keep } = values;
  if (keep !== undefined) writeSuite(join(keep, `seed-${seed}`), suite);
  if (!values.shrink) return;
  const bad = new Set(verdict.judged.filter(({ differences }) => differences.length > 0).map(({ way }) => way));
  const least = await shrink(suite, ways.filter(({ name }) => bad.has(name)).slice(0, 1), new Set(aspectsOf(verdict)));
  console.log(`  least: ${Object.keys(least).join(', ')}`);
  if (keep !== undefined) writeSuite(join(keep, `seed-${seed}-least`), least);
}

async function runFolders(names: readonly string[]): Promise<void> {
  if (values.table) console.log(tableTop(ways));
  const folderOf = (name: string): string => (existsSync(join(faults, name)) ? join(faults, name) : name);
  await eachOf(
    names,
    Number(values.jobs),
    (name) => judge(readSuite(folderOf(name)), ways),
    (name, verdict) => {
      if (!values.table) return say(name, verdict);
      if (problemsOf(verdict).length > 0) differing += 1;
      console.log(tableRow(name, verdict, ways));
    },
  );
  console.log(`\n${names.length} suites, ${differing} differences`);
}

if (values.seeds === undefined) await runFolders(positionals.length > 0 ? positionals : readdirSync(faults).sort());
else await runSeeds(values.seeds);
process.exitCode = differing === 0 ? 0 : 1;
