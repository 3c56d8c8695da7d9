// One timeline on the page: its elements, its visible part and what is selected in it, and everything that can be done to it.

import { assertNever } from '../../../../shared/assert-never.ts';
import { type Bar, barAt, barOf, isSingle, laneHeightOf, rowsOf } from './bars.ts';
import { attemptAt, type Cursor } from './cursor.ts';
import type { KeyAct } from './keys.ts';
import { endOf, type Timeline } from './lanes.ts';
import type { Canvases, Painter } from './painter.ts';
import { cursorOf, pointTo, type Selection } from './selection.ts';
import type { Viewport } from './viewport.ts';

/** `surface` holds `body` and takes the keys. */
export interface Elements extends Canvases {
  readonly surface: HTMLElement;
}

export interface TimelineHandlers {
  readonly onPoint: (pointed: Bar | null) => void;
  /** The keys moved to this bar, and a screen reader must announce it. */
  readonly onFocus: (pointed: Bar) => void;
  readonly onOpen: (attempt: number) => void;
  readonly onZoom: (isZoomed: boolean) => void;
}

export interface Chart {
  readonly elements: Elements;
  readonly handlers: TimelineHandlers;
  readonly viewport: Viewport;
  readonly painter: Painter;
  timeline: Timeline;
  selection: Selection;
}

/** Adapts to the canvas's width and to the timeline's length. */
export function measure({ viewport, painter, timeline }: Chart): void {
  viewport.fit(timeline.endMs, laneHeightOf(timeline) * rowsOf(timeline));
  painter.redraw();
}

/** Replaces the timeline. The zoomed part stays in view when the run has become longer. */
export function replace(chart: Chart, next: Timeline): void {
  const { viewport } = chart;
  const before = viewport.scale();
  const [from, to] = [before.atX(0), before.atX(before.width)];
  const isZoomed = viewport.isZoomed();
  chart.timeline = next;
  measure(chart);
  if (isZoomed && viewport.scale().width > 0) viewport.fill(from, to);
}

export const barUnder = ({ elements, timeline, viewport }: Chart, event: MouseEvent): Bar | null => {
  const box = elements.body.getBoundingClientRect();
  return barAt(timeline, [event.clientX - box.left, event.clientY - box.top], viewport.scale());
};

/** Moves the pointer to a bar, or away from all. */
export function point(chart: Chart, bar: Bar | null): void {
  const next = pointTo(chart.selection, bar);
  if (next === chart.selection) return;
  chart.selection = next;
  chart.handlers.onPoint(bar);
  chart.painter.redraw();
}

/** The bar that the keys chose, while the timeline has the keys. */
function barOfKeys({ elements, timeline, selection, viewport }: Chart): Bar | null {
  const cursor = cursorOf(selection);
  return cursor === null || document.activeElement !== elements.surface ? null : barOf(timeline, cursor, viewport.scale());
}

export const outlined = (chart: Chart): Bar | null => (chart.selection.kind === 'pointer' ? chart.selection.bar : barOfKeys(chart));

/** Moves to a test, if there is one, scrolls it into view and announces it. */
function select(chart: Chart, cursor: Cursor): void {
  const { timeline, viewport, handlers } = chart;
  const attempt = attemptAt(timeline, cursor);
  if (attempt === undefined) return;
  chart.selection = { kind: 'keys', cursor };
  viewport.reveal(timeline.attempts.startedAt[attempt] ?? 0);
  const bar = barOf(timeline, cursor, viewport.scale());
  if (bar !== null) {
    handlers.onPoint(bar);
    handlers.onFocus(bar);
  }
  chart.painter.redraw();
}

export const zoomBy = (chart: Chart, factor: number): void => chart.viewport.zoomBy(factor, barOfKeys(chart)?.x ?? null);

/** Opens the bar's test, or zooms to the bar if it has several. */
export function open({ timeline, viewport, handlers }: Chart, bar: Bar): void {
  const attempt = bar.lane.attempts[bar.from];
  if (attempt === undefined) return;
  if (isSingle(bar)) {
    handlers.onOpen(attempt);
    return;
  }
  const last = bar.lane.attempts[bar.to - 1] ?? attempt;
  viewport.zoomTo(timeline.attempts.startedAt[attempt] ?? 0, endOf(timeline.attempts, last));
}

export function act(chart: Chart, does: KeyAct): void {
  switch (does.kind) {
    case 'select':
      select(chart, does.cursor);
      return;
    case 'pan':
      chart.viewport.panBy(does.pixels);
      return;
    case 'zoom':
      zoomBy(chart, does.factor);
      return;
    case 'whole-run':
      chart.viewport.showWholeRun();
      return;
    case 'open':
      chart.handlers.onOpen(does.attempt);
      return;
    case 'point-nowhere':
      point(chart, null);
      return;
    case 'none':
      return;
    default:
      assertNever(does);
  }
}
