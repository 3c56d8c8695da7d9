// The timeline without its canvas: the places of bars, the tests that the keys select, and the selection.

import { describe, expect, test } from 'vitest';
import { NO_PLACES } from '../../../coordinator/report-places.ts';
import { readModel } from '../../../coordinator/web/browser/model.ts';
import { type Bar, barAt, barOf, isSingle, laneHeightOf, type Scale } from '../../../coordinator/web/browser/timeline/bars.ts';
import { besides, type Cursor, nextFailure } from '../../../coordinator/web/browser/timeline/cursor.ts';
import { actOf } from '../../../coordinator/web/browser/timeline/keys.ts';
import { type Timeline, timelineOf } from '../../../coordinator/web/browser/timeline/lanes.ts';
import { cursorOf, pointTo, type Selection } from '../../../coordinator/web/browser/timeline/selection.ts';
import { waitLanesOf } from '../../../coordinator/web/browser/timeline/waits.ts';
import { pageData } from '../../../coordinator/web/report-page.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import { sampleReport, sampleTest } from './sample-report.ts';

/** A test of one file that starts at `startMs`. */
const at = (name: string, worker: string, startMs: number, seconds: number, outcome: Outcome = 'passed') => {
  const sample = sampleTest(`${name.slice(0, 1)}.py::${name}`, outcome);
  const startedAt = new Date(Date.parse('2026-01-02T03:04:05.000Z') + startMs).toISOString();
  return { ...sample, attempts: sample.attempts.map((attempt) => ({ ...attempt, worker, startedAt, seconds })) };
};
/** gw0 runs a1, a2 (fails) and b1, each for a second; gw1 runs c1, then two very short tests and d3 (fails). */
const timeline = timelineOf(
  readModel(
    pageData(
      sampleReport([
        at('a1', 'gw0', 0, 1),
        at('a2', 'gw0', 1000, 1, 'failed'),
        at('b1', 'gw0', 2000, 1),
        at('c1', 'gw1', 0, 1.5),
        at('d1', 'gw1', 4000, 0.001),
        at('d2', 'gw1', 4002, 0.001),
        at('d3', 'gw1', 6000, 1, 'failed'),
      ]),
      NO_PLACES,
    ),
  ),
);
/** A pixel is 10 ms. */
const scale: Scale = { width: 1230, toX: (ms) => ms / 10, atX: (x) => x * 10 };
const laneHeight = laneHeightOf(timeline);
const [gw0, gw1] = [laneHeight / 2, laneHeight * 1.5];
const placesAt = (x: number, y: number) => {
  const bar = barAt(timeline, [x, y], scale);
  return bar === null ? null : { worker: bar.lane.worker, from: bar.from, to: bar.to };
};

describe('the bar under the pointer', () => {
  test('is the bar of the test that ran at that time', () => {
    expect(placesAt(50, gw0)).toEqual({ worker: 'gw0', from: 0, to: 1 });
    expect(placesAt(250, gw0)).toEqual({ worker: 'gw0', from: 2, to: 3 });
    expect(placesAt(50, gw1)).toEqual({ worker: 'gw1', from: 0, to: 1 });
  });

  test('is reached from 3 pixels beside it, and not from further away', () => {
    expect(placesAt(302, gw0)).toEqual({ worker: 'gw0', from: 2, to: 3 });
    expect(placesAt(304, gw0)).toBeNull();
    expect(placesAt(50, laneHeight * 2 + 1)).toBeNull();
  });

  test('is a failure rather than the test beside it', () => {
    expect(placesAt(98, gw0)).toEqual({ worker: 'gw0', from: 1, to: 2 });
    expect(placesAt(202, gw0)).toEqual({ worker: 'gw0', from: 1, to: 2 });
  });

  test('is the bar of the whole file if the test is too small to see', () => {
    expect(placesAt(400, gw1)).toEqual({ worker: 'gw1', from: 1, to: 4 });
    expect(barAt(timeline, [400, gw1], scale)).toSatisfy((bar: Bar) => !isSingle(bar));
  });
});

describe('the bar of a test', () => {
  test('shows its details below its lane, at the middle of its visible part', () => {
    expect(barOf(timeline, { lane: 1, place: 3 }, scale)).toMatchObject({ from: 3, to: 4, x: 650, y: 2 * laneHeight });
    expect(barOf(timeline, { lane: 1, place: 3 }, { ...scale, width: 100 })).toMatchObject({ x: 100 });
  });

  test('does not exist without the test', () => expect(barOf(timeline, { lane: 2, place: 0 }, scale)).toBeNull());

  test.each([
    [1, 22],
    [40, 10],
    [1000, 8],
  ])('with %i lanes is in a lane of %i pixels', (lanes, pixels) => {
    const lane = timeline.lanes[0];
    if (lane === undefined) throw new Error('the sample has a lane');
    expect(laneHeightOf({ ...timeline, lanes: Array.from({ length: lanes }, () => lane) })).toBe(pixels);
  });
});

describe('the keys', () => {
  const act = (name: string, cursor: Cursor | null, isShifted = false) => actOf({ name, isShifted }, timeline, cursor, 800);

  test.each([
    ['ArrowRight', null, { lane: 0, place: 0 }],
    ['ArrowRight', { lane: 0, place: 1 }, { lane: 0, place: 2 }],
    ['ArrowLeft', { lane: 0, place: 1 }, { lane: 0, place: 0 }],
    ['ArrowLeft', { lane: 0, place: 0 }, { lane: 0, place: 0 }],
    ['ArrowDown', null, { lane: 0, place: 0 }],
    ['ArrowDown', { lane: 0, place: 2 }, { lane: 1, place: 0 }],
    ['ArrowUp', { lane: 1, place: 3 }, { lane: 0, place: 2 }],
    ['Home', { lane: 1, place: 2 }, { lane: 1, place: 0 }],
    ['End', { lane: 1, place: 2 }, { lane: 1, place: 3 }],
    ['f', null, { lane: 0, place: 1 }],
  ])('%s from %j selects %j', (name, from, to) => expect(act(name, from)).toEqual({ kind: 'select', cursor: to }));

  test('do nothing beyond the first and the last lane, or without a selected test', () => {
    expect(act('ArrowUp', { lane: 0, place: 0 })).toEqual({ kind: 'none' });
    expect(act('ArrowDown', { lane: 1, place: 0 })).toEqual({ kind: 'none' });
    expect(act('Enter', null)).toEqual({ kind: 'none' });
  });

  test('open the selected test, zoom, and move the visible part', () => {
    expect(act('Enter', { lane: 0, place: 1 })).toEqual({ kind: 'open', attempt: timeline.lanes[0]?.attempts[1] });
    expect([act('+', null), act('=', null), act('-', null)]).toMatchObject([{ factor: 2 }, { factor: 2 }, { factor: 0.5 }]);
    expect([act('ArrowRight', null, true), act('ArrowLeft', null, true)]).toMatchObject([{ pixels: -100 }, { pixels: 100 }]);
    expect([act('0', null), act('Escape', null)]).toEqual([{ kind: 'whole-run' }, { kind: 'point-nowhere' }]);
  });

  test('that the timeline does not handle go to the page', () =>
    expect([act('Tab', null), act('constructor', null)]).toEqual([null, null]));

  test('find the failures of all lanes in turn', () => {
    const [first, second] = [nextFailure(timeline, null), nextFailure(timeline, { lane: 0, place: 1 })];
    expect([first, second]).toEqual([
      { lane: 0, place: 1 },
      { lane: 1, place: 3 },
    ]);
    expect(nextFailure(timeline, second)).toEqual(first);
  });

  test('find no failure in a green run, and no neighbor of a missing test', () => {
    const green: Timeline = { ...timeline, lanes: timeline.lanes.map((lane) => ({ ...lane, failures: new Int32Array() })) };
    expect(nextFailure(green, null)).toBeNull();
    expect(besides(timeline, { lane: 0, place: 9 }, 1)).toBeNull();
  });
});

describe('the selection', () => {
  const cursor = { lane: 0, place: 1 };
  const bar = barOf(timeline, { lane: 1, place: 0 }, scale);
  if (bar === null) throw new Error('the sample has this test');
  const keys: Selection = { kind: 'keys', cursor };

  test('is the bar under the pointer, and then again the test that the keys selected', () => {
    const pointed = pointTo(keys, bar);
    expect(pointed).toEqual({ kind: 'pointer', bar, cursor });
    expect(cursorOf(pointed)).toBe(cursor);
    expect(pointTo(pointed, null)).toEqual(keys);
  });

  test('is empty after the pointer has left if the keys selected nothing', () => {
    expect(pointTo(pointTo({ kind: 'nothing' }, bar), null)).toEqual({ kind: 'nothing' });
  });

  test('stays the same if the pointer was over no bar and still is not', () => {
    const nothing: Selection = { kind: 'nothing' };
    expect(pointTo(keys, null)).toBe(keys);
    expect(pointTo(nothing, null)).toBe(nothing);
  });
});

test('waits for one thing share a lane, in which times without a pause are one bar', () => {
  const wait = (shard: string, what: string, fromMs: number, ms: number) => [shard, what, fromMs, ms] as const;
  const waits = [wait('s1', 'the resource db', 3000, 500), wait('s2', 'the label gpu', 0, 100), wait('s3', 'the resource db', 1000, 600)];
  expect(
    waitLanesOf({ data: { waits: [...waits, wait('s1', 'the resource db', 1500, 900), wait('s4', 'the resource db', 9, 0)] } as never }),
  ).toEqual([
    { what: 'the label gpu', shards: 1, bars: [{ fromMs: 0, toMs: 100 }] },
    {
      what: 'the resource db',
      shards: 2,
      bars: [
        { fromMs: 1000, toMs: 2400 },
        { fromMs: 3000, toMs: 3500 },
      ],
    },
  ]);
});
