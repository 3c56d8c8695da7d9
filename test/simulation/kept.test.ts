// Shrunk scenarios that once broke a rule, each named after its bug. `npm run simulate` prints new ones.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { problemsOf } from './check.ts';
import { play } from './play.ts';
import type { Scenario } from './scenario.ts';

const directory = join(import.meta.dirname, 'kept');

test.each(readdirSync(directory).map((file) => file.replace(/\.json$/, '')))('the kept scenario %s keeps every rule', async (name) => {
  const scenario: Scenario = JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8'));
  expect(problemsOf(await play(scenario))).toEqual([]);
});
