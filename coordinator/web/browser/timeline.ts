// The timeline: one lane per xdist worker, drawn on canvas because 100,000 bars are too many for elements. d3-zoom owns the visible part of
// the run, d3-scale the position of an instant. This file owns drawing, pointing and keys. It does not know the page around it.

import { scaleUtc } from 'd3-scale';
import { select } from 'd3-selection';
import { type D3ZoomEvent, zoom, zoomIdentity, zoomTransform } from 'd3-zoom';
import { drawHead, drawLanes, type Palette, readPalette } from './draw.ts';
import { endOf, groupAt, type Lane, placeAt, type Timeline } from './lanes.ts';

/** The bar under the pointer or selected with the keys: a test's, or a file's if single tests are too small to see. */
export interface Pointed {
  readonly lane: Lane;
  /** Indexes in the lane's attempts: the first, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** The bar's middle or the pointer, and the bar's lower edge, in pixels from the upper left of the lanes. */
  readonly x: number;
  readonly y: number;
}

export interface TimelineHandlers {
  readonly onPoint: (pointed: Pointed | null) => void;
  /** The keys moved to this bar, and a screen reader must announce it. */
  readonly onFocus: (pointed: Pointed) => void;
  readonly onOpen: (attempt: number) => void;
  readonly onZoom: (isZoomed: boolean) => void;
}

export interface TimelineView {
  show(timeline: Timeline): void;
  zoomBy(factor: number): void;
  reset(): void;
  laneHeight(): number;
  destroy(): void;
}

/** Height in pixels with the clock alone, and with a line for the names of the deadline and the drain. */
const HEAD = { plain: 56, marked: 72 } as const;
const LANES_ROOM = 420;
const LANE = { least: 8, most: 22 } as const;
/** Length of a pixel at the closest zoom. */
const CLOSEST_MS = 0.02;
const HIT = 3;

/** `head` shows utilization and clock, `body` the lanes. `surface` holds `body` and takes the keys. */
interface Elements {
  readonly head: HTMLCanvasElement;
  readonly body: HTMLCanvasElement;
  readonly surface: HTMLElement;
}

export function createTimeline({ head, body, surface }: Elements, first: Timeline, handlers: TimelineHandlers): TimelineView {
  let timeline = first;
  let palette: Palette = readPalette(body);
  let width = 0;
  let pointed: Pointed | null = null;
  let focused: { lane: number; place: number } | null = null;
  let frame = 0;

  const base = scaleUtc();
  const shown = () => zoomTransform(body).rescaleX(base);
  const laneHeight = (): number => Math.max(LANE.least, Math.min(LANE.most, Math.floor(LANES_ROOM / Math.max(1, timeline.lanes.length))));

  const zooming = zoom<HTMLCanvasElement, unknown>()
    // A wheel without a modifier key scrolls the page as usual.
    .filter((event: WheelEvent & MouseEvent) => (event.type === 'wheel' ? event.ctrlKey || event.metaKey : event.button === 0))
    .wheelDelta((event) => -event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.004))
    .on('zoom', ({ transform }: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
      handlers.onZoom(transform.k > 1);
      point(null);
      redraw();
    });
  const zoomed = select(body).call(zooming).on('dblclick.zoom', null);

  function draw(): void {
    frame = 0;
    const x = shown();
    // Computed by hand: d3's scale takes ten times as long for each of 100,000 bars.
    const origin = x(0);
    const perMs = (x(timeline.endMs) - origin) / timeline.endMs;
    const toX = (at: number): number => origin + at * perMs;
    const fromX = (pixels: number): number => (pixels - origin) / perMs;
    const scene = { timeline, palette, width, laneHeight: laneHeight(), toX, fromX };
    const ticks = x.ticks(Math.max(2, Math.floor(width / 110))).map((tick) => tick.getTime());
    drawHead(head, timeline.marks.some(({ kind }) => kind !== 'end') ? HEAD.marked : HEAD.plain, scene, ticks, zoomTransform(body).k > 1);
    const outlined = pointed ?? focusedBar();
    drawLanes(body, scene, ticks, outlined);
  }
  function redraw(): void {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }
  function measure(): void {
    width = body.clientWidth;
    base.domain([0, timeline.endMs]).range([0, width]);
    const size: [number, number] = [width, laneHeight() * timeline.lanes.length];
    const extent: [[number, number], [number, number]] = [[0, 0], size];
    zooming
      .extent(extent)
      .translateExtent(extent)
      .scaleExtent([1, Math.max(1, timeline.endMs / Math.max(1, width) / CLOSEST_MS)]);
    redraw();
  }

  const bar = (lane: number, place: number): Pointed | null => {
    const found = timeline.lanes[lane];
    const attempt = found?.attempts[place];
    if (found === undefined || attempt === undefined) return null;
    const x = shown()((timeline.attempts.startedAt[attempt] ?? 0) + (timeline.attempts.ms[attempt] ?? 0) / 2);
    return { lane: found, from: place, to: place + 1, x: Math.max(0, Math.min(width, x)), y: (lane + 1) * laneHeight() };
  };
  const focusedBar = (): Pointed | null =>
    focused === null || document.activeElement !== surface ? null : bar(focused.lane, focused.place);

  function hit(event: MouseEvent): Pointed | null {
    const box = body.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const lane = timeline.lanes[Math.floor(y / laneHeight())];
    if (lane === undefined) return null;
    const scale = shown();
    const at = scale.invert(x).getTime();
    const reach = scale.invert(x + HIT).getTime() - at;
    const failure = nearestFailure(lane, at, reach);
    const place = failure ?? placeAt(lane, timeline.attempts, at + reach);
    const attempt = lane.attempts[place];
    if (attempt === undefined || endOf(timeline.attempts, attempt) < at - reach) return null;
    const single = { lane, from: place, to: place + 1, x, y: (Math.floor(y / laneHeight()) + 1) * laneHeight() };
    const [from, to] = groupAt(lane, place);
    const isSmall = (timeline.attempts.ms[attempt] ?? 0) < reach / 2 && failure === null;
    return isSmall ? { ...single, from, to } : single;
  }
  const nearestFailure = (lane: Lane, at: number, reach: number): number | null =>
    lane.failures.find((place) => {
      const attempt = lane.attempts[place] ?? -1;
      return (timeline.attempts.startedAt[attempt] ?? 0) <= at + reach && endOf(timeline.attempts, attempt) >= at - reach;
    }) ?? null;
  function point(next: Pointed | null): void {
    if (next === null && pointed === null) return;
    pointed = next;
    handlers.onPoint(next);
    redraw();
  }

  const middle = (): [number, number] => [width / 2, 0];
  function zoomBy(factor: number): void {
    const focus = focusedBar();
    zoomed.call(zooming.scaleBy, factor, focus === null ? middle() : [focus.x, 0]);
  }
  const pan = (pixels: number): void => void zoomed.call(zooming.translateBy, pixels / zoomTransform(body).k, 0);
  const reset = (): void => void zoomed.call(zooming.transform, zoomIdentity);

  /** Moves to a bar, scrolls it into view and announces it. */
  function focus(lane: number, place: number): void {
    const found = timeline.lanes[lane];
    const attempt = found?.attempts[place];
    if (found === undefined || attempt === undefined) return;
    focused = { lane, place };
    const x = shown()(timeline.attempts.startedAt[attempt] ?? 0);
    if (x < 0 || x > width) zoomed.call(zooming.translateTo, base(timeline.attempts.startedAt[attempt] ?? 0), 0);
    const told = bar(lane, place);
    if (told !== null) {
      pointed = null;
      handlers.onPoint(told);
      handlers.onFocus(told);
    }
    redraw();
  }
  function moveTo(lane: number): void {
    const now = focused === null ? undefined : timeline.lanes[focused.lane]?.attempts[focused.place];
    const target = timeline.lanes[lane];
    if (target === undefined || now === undefined) return;
    focus(lane, Math.max(0, placeAt(target, timeline.attempts, timeline.attempts.startedAt[now] ?? 0)));
  }
  function nextFailure(): void {
    const failures = timeline.lanes.flatMap((lane, index) => Array.from(lane.failures, (place) => ({ lane: index, place })));
    const from = focused;
    const next =
      failures.find(({ lane, place }) => from === null || lane > from.lane || (lane === from.lane && place > from.place)) ?? failures[0];
    if (next !== undefined) focus(next.lane, next.place);
  }
  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { lane, place } = focused ?? { lane: 0, place: -1 };
    const keys: Readonly<Record<string, () => void>> = {
      ArrowRight: () => (event.shiftKey ? pan(-width / 8) : focus(lane, place + 1)),
      ArrowLeft: () => (event.shiftKey ? pan(width / 8) : focus(lane, Math.max(0, place - 1))),
      ArrowDown: () => (focused === null ? focus(0, 0) : moveTo(lane + 1)),
      ArrowUp: () => (focused === null ? focus(0, 0) : moveTo(lane - 1)),
      Home: () => focus(lane, 0),
      End: () => focus(lane, (timeline.lanes[lane]?.attempts.length ?? 0) - 1),
      '+': () => zoomBy(2),
      '=': () => zoomBy(2),
      '-': () => zoomBy(0.5),
      '0': reset,
      f: nextFailure,
      Enter: () => {
        const attempt = focused === null ? undefined : timeline.lanes[focused.lane]?.attempts[focused.place];
        if (attempt !== undefined) handlers.onOpen(attempt);
      },
      Escape: () => point(null),
    };
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }
  function onWheel(event: WheelEvent): void {
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (event.ctrlKey || event.metaKey || Math.abs(sideways) <= (event.shiftKey ? 0 : Math.abs(event.deltaY))) return;
    event.preventDefault();
    pan(-sideways);
  }
  function onHead(event: PointerEvent): void {
    if (event.buttons !== 1) return;
    const at = event.clientX - head.getBoundingClientRect().left;
    zoomed.call(zooming.translateTo, at, 0);
  }
  function onClick(event: MouseEvent): void {
    const found = hit(event);
    const attempt = found?.lane.attempts[found.from];
    if (found === null || attempt === undefined) return;
    if (found.to - found.from === 1) {
      handlers.onOpen(attempt);
      return;
    }
    const last = found.lane.attempts[found.to - 1] ?? attempt;
    const from = base(timeline.attempts.startedAt[attempt] ?? 0);
    const to = base(endOf(timeline.attempts, last));
    zoomed.call(zooming.transform, zoomIdentity.scale(Math.max(1, (0.8 * width) / Math.max(to - from, 1e-3))));
    zoomed.call(zooming.translateTo, (from + to) / 2, 0);
  }

  function leave(): void {
    handlers.onPoint(null);
    redraw();
  }

  const stopping = new AbortController();
  const { signal } = stopping;
  body.addEventListener('pointermove', (event) => point(event.buttons === 0 ? hit(event) : null), { signal });
  body.addEventListener('pointerleave', () => point(null), { signal });
  body.addEventListener('click', onClick, { signal });
  surface.addEventListener('keydown', onKey, { signal });
  body.addEventListener('wheel', onWheel, { signal, passive: false });
  surface.addEventListener('focus', redraw, { signal });
  surface.addEventListener('blur', leave, { signal });
  head.addEventListener('pointerdown', onHead, { signal });
  head.addEventListener('pointermove', onHead, { signal });
  const repaint = (): void => {
    palette = readPalette(body);
    redraw();
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint, { signal });
  const resized = new ResizeObserver(measure);
  resized.observe(body.parentElement ?? body);
  measure();

  return {
    show(next) {
      // The zoomed part stays in view when the run has become longer.
      const [from, to] = [shown().invert(0).getTime(), shown().invert(width).getTime()];
      const isZoomed = zoomTransform(body).k > 1;
      timeline = next;
      measure();
      if (!isZoomed || width === 0) return;
      const k = timeline.endMs / Math.max(1e-3, to - from);
      zoomed.call(zooming.transform, zoomIdentity.scale(k).translate(-base(from), 0));
    },
    zoomBy,
    reset,
    laneHeight,
    destroy() {
      stopping.abort();
      resized.disconnect();
      cancelAnimationFrame(frame);
      zoomed.on('.zoom', null);
    },
  };
}
