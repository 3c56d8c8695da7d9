import { expect, test } from 'vitest';
import { claimAlone, createWorkerNumbers } from '../../../agent/worker-numbers.ts';

test('two agents of one run share neither ids nor numbers', async () => {
  const claim = claimAlone();
  const [a1, a2] = [createWorkerNumbers(claim), createWorkerNumbers(claim)];
  expect(await a1.begin(2)).toEqual({ ids: [0, 1], numbers: [0, 1] });
  expect(await a2.begin(2)).toEqual({ ids: [2, 3], numbers: [2, 3] });
  expect(await a1.replace()).toEqual({ ids: [4], numbers: [] });
});

test('a session that replaces another gets new ids, keeps its numbers and claims only missing ones', async () => {
  const workers = createWorkerNumbers(claimAlone());
  await workers.begin(2);
  expect(await workers.begin(1)).toEqual({ ids: [2], numbers: [0] });
  expect(await workers.begin(3)).toEqual({ ids: [3, 4, 5], numbers: [0, 1, 2] });
});

test('never claims a number below one that it has', async () => {
  const asked: unknown[] = [];
  const workers = createWorkerNumbers(async (scope, count, floor) => {
    asked.push([scope, count, floor]);
    return scope === 'machine' ? 4 + floor : floor;
  });
  await workers.begin(2);
  await workers.replace();
  expect(asked).toEqual([
    ['machine', 2, 0],
    ['fleet', 2, 0],
    ['machine', 1, 6],
  ]);
});
