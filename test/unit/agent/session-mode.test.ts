// The modes of a fed session, and the first cause of its failure.

import { expect, test } from 'vitest';
import { createFailure } from '../../../agent/pytest/session/failure.ts';
import { createSessionMode, type Mode } from '../../../agent/pytest/session/session-mode.ts';

const paths: readonly [moves: readonly Mode[], isOpen: boolean][] = [
  [[], true],
  [['serving'], true],
  [['serving', 'ending'], false],
  [['serving', 'ending', 'gone'], false],
  [['serving', 'gone'], false],
  [['gone'], false],
];

test.each(paths)('after the moves %j, attempts may begin: %s', (moves, isOpen) => {
  const mode = createSessionMode();
  for (const each of moves) mode.move(each);
  expect([mode.now(), mode.isOpen()]).toEqual([moves.at(-1) ?? 'starting', isOpen]);
});

test.each([
  [['ending'], 'a session that is starting cannot become ending'],
  [['serving', 'serving'], 'a session that is serving cannot become serving'],
  [['serving', 'ending', 'serving'], 'a session that is ending cannot become serving'],
  [['gone', 'gone'], 'a session that is gone cannot become gone'],
] as const)('refuses the moves %j', (moves, message) => {
  const mode = createSessionMode();
  expect(() => {
    for (const each of moves) mode.move(each);
  }).toThrow(message);
});

test('keeps the first cause of a failure, and kills pytest at every failure', () => {
  const refused: unknown[] = [];
  let kills = 0;
  const failure = createFailure(
    (cause) => void refused.push(cause),
    () => {
      kills += 1;
    },
  );
  expect(failure.cause()).toBeNull();
  failure.fail('a bad message');
  expect([failure.cause(), refused, kills]).toEqual(['a bad message', [], 1]);
  failure.giveUp('no worker');
  expect([failure.cause(), refused, kills]).toEqual(['a bad message', ['a bad message'], 2]);
});
