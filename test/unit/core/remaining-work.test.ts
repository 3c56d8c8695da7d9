import { expect, test } from 'vitest';
import { attemptSelectors, nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { isBelowCollectError } from '../../../coordinator/core/state/remaining-work.ts';
import { shardId, testFile } from '../../../shared/domain/ids.ts';
import { a1, collected, collectFailed, enqueued, finished, joined, opened, reported, shardOf, started, stateAfter } from './run-kit.ts';

const t1 = 'test_a.py::test_1';
const t2 = 'test_a.py::test_2';
const opening = opened([shardOf(1, ['test_a.py', 'test_b.py', 'test_c.py'], 6)]);

test('the first attempt of a shard runs all of it', () => {
  expect(nextAttempt(stateAfter(opening), shardId(1), 'primary')).toEqual({
    id: 's1.1',
    shard: 's1',
    fence: 1,
    role: 'primary',
    selectors: opening.shards[0]?.selectors,
    predictedSeconds: 6,
    avoid: [],
  });
});

test('a retry keeps files without outcomes whole, takes the rest of others, and leaves out what is finished', () => {
  const state = stateAfter(
    opening,
    enqueued(1),
    reported(a1, 1, 1, collected('test_a.py', [t1, t2])),
    reported(a1, 1, 1, collected('test_b.py', ['test_b.py::test_1'])),
    reported(a1, 1, 1, collectFailed('test_c.py')),
    reported(a1, 1, 1, finished(t1)),
  );
  expect(nextAttempt(state, shardId(1), 'retry')).toMatchObject({
    id: 's1.2',
    selectors: [
      { kind: 'tests', file: 'test_a.py', nodeids: [t2] },
      { kind: 'file', file: 'test_b.py' },
    ],
    predictedSeconds: 3,
  });
});

test('still runs the announced tests of a file that then failed to collect', () => {
  const events = [enqueued(1), reported(a1, 1, 1, collected('test_a.py', [t1, t2])), reported(a1, 1, 1, finished(t1))];
  const state = stateAfter(opening, ...events, reported(a1, 1, 1, collectFailed('test_a.py')));
  expect(attemptSelectors(state, shardId(1))[0]).toEqual({ kind: 'tests', file: 'test_a.py', nodeids: [t2] });
});

test('an unknown shard has no next attempt', () => {
  expect(nextAttempt(stateAfter(opening), shardId(9), 'retry')).toBeNull();
  expect(attemptSelectors(stateAfter(opening), shardId(9))).toEqual([]);
});

test.each([
  ['pkg', true],
  ['pkg/conftest.py', true],
  ['pkg/sub/__init__.py', true],
  ['.', true],
  ['conftest.py', true],
  ['pkg/other', false],
  ['pkg/sub/test_b.py', false],
  ['pk', false],
])('a collection error of %s affects pkg/sub/test_a.py: %s', (failed, isAbove) => {
  const state = stateAfter(opening, enqueued(1), reported(a1, 1, 1, collectFailed(failed)));
  expect(isBelowCollectError(state, testFile('pkg/sub/test_a.py'))).toBe(isAbove);
});

test('a backup avoids the agent whose attempt it backs up', () => {
  const state = stateAfter(opening, joined(a1), enqueued(1), started(a1, 1));
  expect(nextAttempt(state, shardId(1), 'backup')).toMatchObject({ role: 'backup', avoid: [a1] });
  expect(nextAttempt(state, shardId(1), 'retry')).toMatchObject({ avoid: [] });
});
