// Whether shardline is worth it.

import { expect, test } from 'vitest';
import { worthOf } from '../../../coordinator/audit/page/worth.ts';

type Audited = Parameters<typeof worthOf>[0];
const measured = (pytestSeconds: number, shardedSeconds: number, fourSeconds: number): Audited =>
  ({
    what: ['tests/'],
    pytestArgs: ['-m', 'not slow'],
    sequential: null,
    parallel: { seconds: pytestSeconds, isPartial: false },
    sharded: { seconds: shardedSeconds, agents: 1, report: { totals: { notRun: 0 } } },
    prediction: {
      knee: 4,
      rows: [
        { agents: 1, workers: 2, seconds: shardedSeconds },
        { agents: 4, workers: 8, seconds: fourSeconds },
      ],
    },
  }) as unknown as Audited;

test('is a verdict with the times behind it, and the next command', () => {
  expect(worthOf(measured(7, 8, 7.5))).toEqual({
    verdict: 'not worth it: pytest takes 7.00 s, and shardline saves nothing',
    next: "pytest -n auto tests/ -m 'not slow'",
  });
  expect(worthOf(measured(30, 31, 22))?.verdict).toBe('not worth it: pytest takes 30.0 s, and shardline saves at most 8.00 s');
  expect(worthOf(measured(300, 200, 100))).toEqual({
    verdict: 'worth it: pytest takes 300.0 s here, and shardline 200.0 s',
    next: "shardline run tests/ -- -m 'not slow'",
  });
  expect(worthOf(measured(300, 295, 100))).toEqual({
    verdict: 'worth it on 4 machines: pytest takes 300.0 s on one, and shardline about 100.0 s (predicted)',
    next: 'shardline init',
  });
  expect(worthOf({ ...measured(7, 8, 7.5), sharded: null })).toBeNull();
});
