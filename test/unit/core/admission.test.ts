// Which shards the coordinator starts as a deadline approaches.

import { expect, test } from 'vitest';
import { decide } from '../../../coordinator/core/decide/decide.ts';
import type { CoordinatorEvent, RunOpened } from '../../../coordinator/core/state/events.ts';
import { a1, collected, decideAll, enqueued, finished, joined, opened, reported, shardOf, started, stateAfter, tick } from './run-kit.ts';

/** A run of `deadline` seconds with shards of these seconds, longest first. Its drain begins 2 s before its end. */
const openingOf = (seconds: readonly number[], deadline: number, changes: Partial<RunOpened> = {}): RunOpened =>
  opened(
    seconds.map((each, index) => shardOf(index + 1, [`test_${index + 1}.py`], each)),
    { deadline: { seconds: deadline, reserveSeconds: 1 }, ...changes },
  );
const starts = (opening: RunOpened, ...events: readonly CoordinatorEvent[]): readonly string[] =>
  decideAll(stateAfter(opening, ...events)).flatMap((action) => (action.kind === 'start-attempt' ? [action.shard] : []));
const one = joined(a1, 1000, 1);

test('hands out no shard before an agent joins, and then only shards that will start soon', () => {
  const opening = openingOf([5, 4, 3, 2, 1, 1, 1], 100);
  expect(starts(opening)).toEqual([]);
  expect(starts(opening, one)).toEqual(['s1', 's2', 's3']);
  expect(starts(opening, joined(a1, 1000, 2))).toEqual(['s1', 's2', 's3', 's4', 's5']);
});

test('starts the next shard when one finishes', () => {
  const opening = openingOf([5, 4, 3, 2, 1], 100);
  const state = stateAfter(opening, one);
  decideAll(state);
  const done = [started(a1, 1), reported(a1, 1, 1, collected('test_1.py', []))];
  expect(starts(opening, one, enqueued(1), enqueued(2), enqueued(3), ...done)).toEqual([]);
  const ended: CoordinatorEvent = { ...done[0], kind: 'attempt-ended', ending: { kind: 'finished' }, seconds: 5 } as CoordinatorEvent;
  expect(starts(opening, one, enqueued(1), enqueued(2), enqueued(3), ...done, ended)).toEqual(['s4']);
});

test('skips a shard that cannot finish before the drain and starts a shorter one that can', () => {
  // From second 1 to the drain at second 28.
  expect(starts(openingOf([40, 30, 20, 1], 30, { order: 'longest' }), one)).toEqual(['s3', 's4']);
});

test('counts the shards that wait for a slot: together they must finish before the drain', () => {
  expect(starts(openingOf([20, 20, 6], 30, { order: 'longest' }), one)).toEqual(['s1', 's3']);
});

test('fills a free slot with a shard that will be interrupted when none fits: its finished tests count', () => {
  const opening = openingOf([40, 35], 30, { order: 'longest' });
  expect(starts(opening, one)).toEqual(['s1']);
  expect(starts(opening, one, enqueued(1))).toEqual([]);
});

test('starts the shard most likely to fail per second first when not all can finish in time', () => {
  const chances = { failureChances: { s1: 0.001, s2: 0.001, s3: 0.3, s4: 0.001 } };
  expect(starts(openingOf([10, 10, 10, 10], 100, chances), one)[0]).toBe('s1');
  expect(starts(openingOf([10, 10, 10, 10], 30, chances), one)[0]).toBe('s3');
  expect(starts(openingOf([10, 10, 10, 10], 30, { ...chances, order: 'longest' }), one)[0]).toBe('s1');
});

test('admits fewer shards when tests take longer than predicted', () => {
  const opening = openingOf([10, 5, 4], 30, { order: 'longest' });
  const slow = [
    one,
    enqueued(1),
    started(a1, 1),
    reported(a1, 1, 1, collected('test_1.py', ['test_1.py::t'])),
    reported(a1, 1, 1, finished('test_1.py::t', 'passed', { seconds: 30 })),
  ];
  expect(starts(opening, ...slow, tick(10_000))).toEqual(['s2']);
  expect(decide(stateAfter(opening, ...slow, tick(28_000)))).toMatchObject([{ kind: 'close-run' }]);
});
