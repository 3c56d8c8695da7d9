// Predicts when a run ends, and what would make it meet its deadline.

import { expect, test } from 'vitest';
import { dueForecast, forecast, judge } from '../../../coordinator/core/decide/forecast.ts';
import { paceOf } from '../../../coordinator/core/decide/pace.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { testFile } from '../../../shared/domain/ids.ts';
import {
  a1,
  a2,
  collected,
  draining,
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

const piece = (name: string, seconds: number) => ({ files: [testFile(name)], seconds });
const two = { workers: 2, agents: 1, workersPerPiece: 1 };

test('spreads work evenly, takes at least as long as the longest piece, and adds serial work at the end', () => {
  expect(judge([piece('a', 4), piece('b', 4), piece('c', 2)], two, null)).toEqual({ secondsLeft: 5, lateSeconds: null, remedy: null });
  expect(judge([piece('a', 9), piece('b', 1)], two, null).secondsLeft).toBe(9);
  expect(judge([piece('a', 9), piece('b', 1)], { ...two, workersPerPiece: 2 }, null).secondsLeft).toBe(5);
  expect(judge([piece('a', 4), piece('b', 4), piece('c', 2)], two, null, { aloneSeconds: 2 }).secondsLeft).toBe(6);
});

test('a scarce resource sets the time, and more agents do not help', () => {
  const late = judge([piece('a', 4), piece('b', 4)], two, 6, { heldSeconds: 8 });
  expect(late).toMatchObject({ secondsLeft: 8, lateSeconds: 2, remedy: { agents: null } });
  const needy = [1, 2, 3].map((index) => ({
    ...shardOf(index, [`test_${index}.py`], 10),
    needs: { labels: [], resources: [{ name: 'db', units: 1 }] },
  }));
  const secondsLeft = (db: number) => forecast(stateAfter(opened(needy, { resources: { db } }), joined(a1, 1000, 8)))?.secondsLeft;
  expect([secondsLeft(1), secondsLeft(2), secondsLeft(3)]).toEqual([30, 15, 10]);
});

test('reports by how much the run misses its deadline and what would fix it', () => {
  const pieces = [piece('a', 20), piece('b', 15), piece('c', 15), piece('d', 10)];
  expect(judge(pieces, two, 30).lateSeconds).toBe(0);
  expect(judge(pieces, two, 20)).toEqual({
    secondsLeft: 30,
    lateSeconds: 10,
    remedy: { agents: 1, workersPerAgent: 2, leaveOut: { files: 1, named: ['a'] } },
  });
  expect(judge(pieces, two, 16).remedy).toEqual({ agents: null, workersPerAgent: 2, leaveOut: { files: 2, named: ['a', 'b'] } });
  expect(judge(pieces, two, 0).remedy).toEqual({ agents: null, workersPerAgent: 2, leaveOut: { files: 0, named: [] } });
});

const files = ['test_a.py', 'test_b.py', 'test_c.py'];
const opening = opened(files.map((file, index) => shardOf(index + 1, [file], 10)));
const test1 = 'test_a.py::test_1';
/** The first of three files took `seconds` instead of 10. */
const firstTook = (seconds: number) => [
  joined(a1, 1000, 2),
  enqueued(1),
  started(a1, 1),
  reported(a1, 1, 1, collected('test_a.py', [test1], 0)),
  reported(a1, 1, 1, finished(test1, 'passed', { seconds })),
];

test('scales the remaining work by the measured pace: twice as slow so far predicts nearly twice as slow', () => {
  const pace = paceOf(stateAfter(opening, ...firstTook(20)));
  expect(pace).toBeGreaterThan(1.8);
  expect(pace).toBeLessThan(2);
  expect(forecast(stateAfter(opening, ...firstTook(20)))?.secondsLeft).toBeCloseTo((20 * pace) / 2, 6);
  expect(paceOf(stateAfter(opening))).toBe(1);
});

test('forecasts an earlier end with more agents, and nothing without any', () => {
  const alone = forecast(stateAfter(opening, joined(a1, 1000, 1)));
  expect(alone?.secondsLeft).toBe(30);
  expect(forecast(stateAfter(opening, joined(a1, 1000, 1), joined(a2, 1000, 2)))?.secondsLeft).toBe(10);
  expect(forecast(stateAfter(opening))).toBeNull();
  expect(forecast(stateAfter(opening, joined(a1), lost(a1)))).toBeNull();
});

test('counts only agents that take more attempts', () => {
  const secondsOf = (...events: readonly CoordinatorEvent[]) => forecast(stateAfter(opening, ...events))?.secondsLeft;
  expect(secondsOf(joined(a1), joined(a2), draining(a2))).toBe(secondsOf(joined(a1)));
  expect(forecast(stateAfter(opening, joined(a1), draining(a1)))).toBeNull();
});

test('subtracts the time that a test has already run', () => {
  const running = [joined(a1, 1000, 1), enqueued(1), started(a1, 1), reported(a1, 1, 1, collected('test_a.py', [test1], 0))];
  const before = forecast(stateAfter(opening, ...running))?.secondsLeft ?? 0;
  expect(forecast(stateAfter(opening, ...running, tick(5000)))?.secondsLeft).toBeCloseTo(before - 4, 6);
});

test('reports a forecast when the first agent joins and then every few seconds', () => {
  const limited = { ...opening, deadline: { seconds: 100, reserveSeconds: 2 } };
  expect(dueForecast(stateAfter(limited))).toBeNull();
  const said = dueForecast(stateAfter(limited, joined(a1)));
  if (said === null) throw new Error('nothing was said');
  const event = { kind: 'forecast', at: 1000, ...said } as const;
  expect(dueForecast(stateAfter(limited, joined(a1), event, tick(2999)))).toBeNull();
  expect(dueForecast(stateAfter(limited, joined(a1), event, tick(3000)))).not.toBeNull();
});

test('without a deadline, reports forecasts often at first and then less often', () => {
  const begun = [opening, joined(a1)] as const;
  const said = dueForecast(stateAfter(...begun));
  if (said === null) throw new Error('nothing was said');
  const isDue = (saidAt: number, now: number): boolean =>
    dueForecast(stateAfter(...begun, tick(saidAt), { kind: 'forecast', at: saidAt, ...said }, tick(now))) !== null;
  expect(isDue(1000, 1999)).toBe(false);
  expect(isDue(1000, 2000)).toBe(true);
  expect(isDue(31_000, 34_000)).toBe(false);
  expect(isDue(31_000, 35_000)).toBe(true);
  expect(isDue(600_000, 604_999)).toBe(false);
  expect(isDue(600_000, 605_000)).toBe(true);
});
