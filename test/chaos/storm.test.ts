// A few storms in every `npm test`; `npm run chaos` runs more. A seed that showed a bug is added here once the bug is fixed.

import { beforeAll, expect, test } from 'vitest';
import { plainOutcomes, storm } from './storm.ts';

/** Short, because every `npm test` runs three of them. */
const SHORT_MS = 3000;

let plain: ReadonlyMap<string, string>;
beforeAll(async () => {
  plain = await plainOutcomes();
});

test.each([1, 2, 3])(
  'with the faults of seed %i, every test has the one outcome of plain pytest, and nothing is left behind',
  async (seed) => {
    const { blows, problems, said } = await storm(seed, plain, SHORT_MS);
    expect(problems, [...blows, said].join('\n')).toEqual([]);
  },
  240_000,
);
