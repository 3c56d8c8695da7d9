import { expect, test } from 'vitest';
import { byTurn, byUrgency, type SlotClaim } from '../../../agent/core/slot-order.ts';
import { runId } from '../../../shared/domain/ids.ts';

const claim = (name: string, given: Partial<SlotClaim> = {}): SlotClaim => ({
  ...{ runId: runId(name), priority: 0, drain: null, openedAt: 0, taken: 0, servedMs: 0 },
  ...given,
});
const by = (at: number): Pick<SlotClaim, 'drain'> => ({ drain: { at } });

test.each<[string, SlotClaim, SlotClaim]>([
  ['the higher priority', claim('next', { priority: 1, taken: 4 }), claim('other', by(5))],
  ['the nearer deadline', claim('next', { ...by(5), taken: 4 }), claim('other', by(9))],
  ['a deadline before none', claim('next', { ...by(5), taken: 4, servedMs: 9 }), claim('other')],
  ['among equals, the one with the fewest slots', claim('next', { taken: 1, servedMs: 9 }), claim('other', { taken: 2 })],
  ['among equals with as many slots, the one that got least', claim('next', { servedMs: 5, openedAt: 1 }), claim('other', { servedMs: 9 })],
  ['among equals that got as much, the earlier start', claim('next'), claim('other', { openedAt: 1 })],
])('the next slot goes to %s', (_, next, other) => {
  expect([other, next].sort(byTurn)[0]).toBe(next);
  expect([next, other].sort(byTurn)[0]).toBe(next);
});

test('joins the more urgent run first, else the earlier one', () => {
  const runs = [claim('late', { openedAt: 2 }), claim('early', { openedAt: 1 }), claim('due', by(5)), claim('first', { priority: 1 })];
  expect(runs.sort(byUrgency).map((run) => String(run.runId))).toEqual(['first', 'due', 'early', 'late']);
});
