// Measures the progress of a run.

import { expect, test } from 'vitest';
import { howFar } from '../../../coordinator/core/state/progress.ts';
import { a1, collected, collectFailed, enqueued, finished, opened, reported, shardOf, stateAfter } from './run-kit.ts';

const opening = opened([shardOf(1, ['a.py', 'b.py'], 6), shardOf(2, ['c.py'], 2)]);

test('reports no progress before files are collected', () => {
  expect(howFar(stateAfter(opening))).toEqual({ filesDone: 0, files: 3, share: 0, isAllCollected: false });
});

test('counts a finished test as its part of the file, and a file that could not be collected as done', () => {
  const state = stateAfter(
    opening,
    enqueued(1),
    enqueued(2),
    reported(a1, 1, 1, collected('a.py', ['a.py::t', 'a.py::u'])),
    reported(a1, 1, 1, finished('a.py::t')),
    reported(a1, 2, 1, collectFailed('c.py')),
  );
  expect(howFar(state)).toEqual({ filesDone: 1, files: 3, share: (1.5 + 2) / 8, isAllCollected: false });
});

test('counts a file in two shards as done when both are, and a split shard once', () => {
  const state = stateAfter(
    opened([shardOf(1, ['a.py'], 4), shardOf(2, ['a.py', 'b.py'], 4)]),
    enqueued(1),
    enqueued(2),
    reported(a1, 1, 1, collected('a.py', ['a.py::t'])),
    reported(a1, 1, 1, finished('a.py::t')),
    { kind: 'shard-split', at: 3000, shard: shardOf(2, []).id, into: [shardOf(3, ['a.py'], 2), shardOf(4, ['b.py'], 2)] },
  );
  expect(howFar(state)).toEqual({ filesDone: 0, files: 2, share: 0.5, isAllCollected: false });
});
