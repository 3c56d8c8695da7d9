// A few storms with every `npm test`; more with `npm run chaos`. A seed that showed a defect is kept here once it is mended.

import { beforeAll, expect, test } from 'vitest';
import { plainOutcomes, storm } from './storm.ts';

/** Short, as three of them are part of every `npm test`. */
const SHORT_MS = 3000;

let plain: ReadonlyMap<string, string>;
beforeAll(async () => {
  plain = await plainOutcomes();
});

test.each([1, 2, 3])(
  'whatever breaks by seed %i, every test is accounted for once, as by plain pytest, and nothing is left behind',
  async (seed) => {
    const { blows, problems, said } = await storm(seed, plain, SHORT_MS);
    expect(problems, [...blows, said].join('\n')).toEqual([]);
  },
  240_000,
);
