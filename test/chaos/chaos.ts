// Runs one storm after another, each with its own seed: `npm run chaos -- --seed 1 --rounds 10 [--keep FILE]`.
// Prints a line for each storm. Writes the faults and the output of a storm that shows a bug to FILE, and then exits with 1.

import { appendFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { plainOutcomes, STORM_MS, storm } from './storm.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rounds: { type: 'string', default: '10' },
    keep: { type: 'string' },
  },
});
const plain = await plainOutcomes();
const first = Number(values.seed);
let bad = 0;
for (let seed = first; seed < first + Number(values.rounds); seed += 1) {
  const { blows, problems, seconds, said } = await storm(seed, plain, STORM_MS);
  console.log(`seed ${seed}: ${problems.length === 0 ? 'good' : 'BAD'}, ${blows.length} blows, ${seconds.toFixed(1)} s`);
  if (problems.length === 0) continue;
  bad += 1;
  console.log([...blows, ...problems].map((line) => `  ${line}`).join('\n'));
  if (values.keep !== undefined) await appendFile(values.keep, `=== seed ${seed}\n${[...blows, ...problems].join('\n')}\n${said}\n`);
}
console.log(`${values.rounds} rounds, ${bad} bad`);
process.exitCode = bad === 0 ? 0 : 1;
