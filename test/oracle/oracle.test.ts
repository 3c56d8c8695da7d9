// Runs every suite in faults/, and a few generated ones, and compares the results with plain pytest. `npm run oracle` runs more of them in more ways.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pythonMinor } from '../support/python.ts';
import { generateSuite } from './generate/generate.ts';
import { judge, problemsOf, type Verdict } from './harness.ts';
import { known } from './known.ts';
import { judgeGenerated } from './shrink.ts';
import { readSuite } from './suite.ts';
import { fewWays, oneAgent } from './ways.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const folders = readdirSync(join(here, 'faults')).sort();
const suites = folders.map((name) => readSuite(join(here, 'faults', name)));
const SEEDS = [2, 4, 6];

/** The harness stops a suite that hangs, in each of its runs. */
const TIMEOUT_MS = 900_000;

function expectEqual(name: string, verdict: Verdict): void {
  expect(verdict.wrong).toEqual([]);
  const problems = problemsOf(verdict);
  const entry = known.find(({ suite }) => suite === name);
  if (entry === undefined) expect(problems).toEqual([]);
  else if (entry.sometimes !== true) {
    expect(problems, `${name} equals plain pytest now. Fix: remove it from test/oracle/known.ts`).not.toEqual([]);
  }
}

// The current versions of the plugins need Python 3.10.
const runnable = suites.filter(({ plugins }) => plugins.length === 0 || pythonMinor() >= 10);

test.concurrent.for(runnable.map((suite) => [suite.name, suite.title, suite] as const))(
  '%s: %s',
  { timeout: TIMEOUT_MS },
  async ([name, , suite]) => expectEqual(name, await judge(suite, fewWays(suite))),
);

test.concurrent.for(SEEDS)('the suite of seed %i has the results of plain pytest', { timeout: TIMEOUT_MS }, async (seed) => {
  expectEqual(`seed-${seed}`, await judgeGenerated(generateSuite(seed), [oneAgent]));
});

test('a seed always generates the same suite, and another seed generates another', () => {
  expect(generateSuite(7)).toEqual(generateSuite(7));
  expect(generateSuite(7)).not.toEqual(generateSuite(8));
});

test('every known fault names an existing suite, and no two name the same', () => {
  const names = known.map(({ suite }) => suite);
  expect(names).toEqual([...new Set(names)]);
  expect([...folders, ...SEEDS.map((seed) => `seed-${seed}`)]).toEqual(expect.arrayContaining(names));
});

const ranges = { A: 7, B: 9, C: 6, D: 4, E: 16, F: 2, G: 3, H: 7 };
const ids = Object.entries(ranges).flatMap(([letter, last]) => Array.from({ length: last }, (_, index) => `${letter}${index + 1}`));

test('every fault has a folder, or a row in README.md that names its test', () => {
  const readme = readFileSync(join(here, 'README.md'), 'utf8');
  const kept = (id: string): boolean => folders.some((folder) => folder.startsWith(`${id}-`)) || readme.includes(`| ${id} |`);
  expect(ids.filter((id) => !kept(id))).toEqual([]);
});
