// Which attempts get a backup, and when.

import { expect, test } from 'vitest';
import { nextAttempt } from '../../../coordinator/core/decide/attempt-request.ts';
import { affinityOf } from '../../../coordinator/core/plan/affinity.ts';
import type { CoordinatorEvent, RunOpened } from '../../../coordinator/core/state/events.ts';
import { shardId, testFile } from '../../../shared/domain/ids.ts';
import {
  a1,
  a2,
  collected,
  crashed,
  decideAll,
  draining,
  ended,
  enqueued,
  finished,
  joined,
  lost,
  opened,
  reported,
  shardOf,
  started,
  stateAfter,
  tick,
} from './run-kit.ts';

const t1 = 'test_2.py::test_1';
const t2 = 'test_2.py::test_2';

/** A long first shard that a2 has finished as predicted, and a second one of 10 s of which a1 has finished half. */
const opening = (changes: Partial<RunOpened> = {}): RunOpened =>
  opened([shardOf(1, ['test_1.py'], 1000), shardOf(2, ['test_2.py'], 10)], { speculate: true, ...changes });
const halfDone = (changes: { readonly mayBackUp?: boolean; readonly serial?: readonly string[] } = {}): readonly CoordinatorEvent[] => [
  joined(a1, 1000, 1),
  joined(a2, 1000, 1),
  enqueued(1),
  enqueued(2),
  started(a2, 1),
  reported(a2, 1, 1, collected('test_1.py', ['test_1.py::test_1'], 0)),
  reported(a2, 1, 1, finished('test_1.py::test_1', 'passed', { seconds: 1000 })),
  ended(a2, 1),
  started(a1, 2),
  reported(a1, 2, 1, collected('test_2.py', [t1, t2], 0, changes)),
  reported(a1, 2, 1, finished(t1)),
];
const backups = (open: RunOpened, ...events: readonly CoordinatorEvent[]): readonly string[] =>
  decideAll(stateAfter(open, ...events)).flatMap((action) =>
    action.kind === 'start-attempt' && action.role === 'backup' ? [action.shard] : [],
  );
const late = tick(30_000);

test('backs up the unfinished tests of an attempt elsewhere, once, after twice its predicted time', () => {
  const state = stateAfter(opening(), ...halfDone(), late);
  expect(decideAll(state)).toEqual([{ kind: 'start-attempt', shard: 's2', role: 'backup' }]);
  expect(nextAttempt(stateAfter(opening(), ...halfDone(), late), shardId(2), 'backup')).toMatchObject({
    id: 's2.2',
    avoid: [a1],
    selectors: [{ kind: 'tests', nodeids: [t2] }],
  });
  expect(backups(opening(), ...halfDone(), enqueued(2, 2, 'backup'), lost(a2), joined(a2), late)).toEqual([]);
});

test('starts no backup early, unasked, while a shard waits, or without an idle slot on another agent', () => {
  expect(backups(opening(), ...halfDone(), tick(20_000))).toEqual([]);
  expect(backups(opening({ speculate: false }), ...halfDone(), late)).toEqual([]);
  const three = { shards: [...opening().shards, shardOf(3, ['test_3.py'], 10)] };
  expect(backups(opening(three), ...halfDone(), enqueued(3), late)).toEqual([]);
  expect(backups(opening(three), ...halfDone(), enqueued(3), started(a2, 3), late)).toEqual([]);
  expect(backups(opening(), ...halfDone(), lost(a2), late)).toEqual([]);
  expect(backups(opening(), ...halfDone(), draining(a2), late)).toEqual([]);
});

test('backs up no file that is marked, bound to other files, serial, or not collected yet', () => {
  expect(backups(opening(), ...halfDone({ mayBackUp: false }), late)).toEqual([]);
  expect(backups(opening(), ...halfDone({ serial: [t2] }), late)).toEqual([]);
  expect(backups(opening({ affinity: affinityOf('loadgroup', [[testFile('test_2.py')]]) }), ...halfDone(), late)).toEqual([]);
  expect(backups(opening(), ...halfDone().slice(0, -2), late)).toEqual([]);
});

test('backs up at most a twentieth of the work, and nothing when everything is as slow', () => {
  const small = { shards: [shardOf(1, ['test_1.py'], 20), shardOf(2, ['test_2.py'], 10)] };
  const quick = halfDone().map((event) =>
    event.kind === 'attempt-reported' && event.shard === 's1' && event.event.kind === 'test-finished'
      ? reported(a2, 1, 1, finished('test_1.py::test_1', 'passed', { seconds: 20 }))
      : event,
  );
  expect(backups(opening(small), ...quick, late)).toEqual([]);
  expect(backups(opening({ shards: [shardOf(1, ['test_1.py'], 300), shardOf(2, ['test_2.py'], 10)] }), ...halfDone(), late)).toEqual([]);
});

test('the first copy to complete the shard cancels the other, and a backup that crashes uses up no attempt', () => {
  const both = [...halfDone(), enqueued(2, 2, 'backup'), started(a2, 2, 2)];
  const won = stateAfter(opening(), ...both, reported(a2, 2, 2, finished(t2)));
  expect(decideAll(won)).toEqual([
    { kind: 'cancel-attempt', attempt: 's2.1', by: 'superseded' },
    { kind: 'close-run', why: { kind: 'done' } },
  ]);
  const once = opening({ attemptLimit: 2 });
  const failed = stateAfter(once, ...both, ended(a2, 2, 2, crashed()), ended(a1, 2, 1, crashed()));
  expect(failed.shards.get(shardId(2))?.state.kind).toBe('open');
});

test('moves an attempt that waits for an xdist worker to another agent that has an idle one', () => {
  const three = opening({ shards: [...opening().shards, shardOf(3, ['test_3.py'], 10)] });
  const holding = [...halfDone(), enqueued(3), started(a1, 3, 1, 2500), tick(3000)];
  const taken = decideAll(stateAfter(three, ...holding));
  expect(taken).toEqual([{ kind: 'cancel-attempt', attempt: 's3.1', by: 'superseded' }]);
  const handedBack = ended(a1, 3, 1, { kind: 'interrupted', by: 'superseded' });
  const state = stateAfter(three, ...holding, handedBack);
  expect(decideAll(state)).toEqual([{ kind: 'start-attempt', shard: 's3', role: 'retry' }]);
  expect(nextAttempt(stateAfter(three, ...holding, handedBack), shardId(3), 'retry')).toMatchObject({ avoid: [a1] });
  expect(decideAll(stateAfter(opening({ ...three, speculate: false }), ...holding))).toEqual([]);
  expect(decideAll(stateAfter(three, ...holding.slice(0, -1), lost(a2)))).toEqual([]);
  expect(decideAll(stateAfter(three, ...holding.slice(0, -1), draining(a2)))).toEqual([]);
  expect(decideAll(stateAfter(three, ...holding, reported(a1, 3, 1, collected('test_3.py', ['test_3.py::t'])), tick(3001)))).toEqual([]);
});
