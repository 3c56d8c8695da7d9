// Draws the timeline: utilization and clock at the top, the lanes below. Bars that fall on the same pixel are drawn once.

import { statuses } from '../model.ts';
import { instant } from '../words.ts';
import { rowsOf } from './bars.ts';
import { drawWaits } from './draw-waits.ts';
import { endOf, type Lane, placeAt, type Timeline, utilisation } from './lanes.ts';

export interface Palette {
  /** Indexed by status. */
  readonly bars: readonly string[];
  readonly marks: Readonly<Record<Timeline['marks'][number]['kind'], string>>;
  readonly idle: string;
  readonly starting: string;
  readonly waiting: string;
  readonly line: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly onBar: string;
  readonly font: string;
}

/** Reads the page's colors from its style sheet, for the current color scheme. */
export function readPalette(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    bars: statuses.map((status) => color(`bar-${status.replace(' ', '-')}`)),
    marks: { deadline: color('failed'), drain: color('flaky'), end: color('muted') },
    idle: color('idle'),
    starting: color('starting'),
    waiting: color('waiting'),
    line: color('line'),
    text: color('text'),
    muted: color('muted'),
    accent: color('accent'),
    onBar: color('on-bar'),
    font: style.fontFamily,
  };
}

export interface Scene {
  readonly timeline: Timeline;
  readonly palette: Palette;
  readonly width: number;
  readonly laneHeight: number;
  readonly toX: (at: number) => number;
  readonly fromX: (x: number) => number;
}

const OVERVIEW = { top: 2, height: 30 } as const;
const PASSED = statuses.indexOf('passed');
/** Bars at least this wide, in pixels, have a gap beside them. */
const GAPPED = 4;
/** If tests have fewer pixels than this on average, one bar shows a whole file. */
const PIXELS_A_TEST = 8;
const FAILURE_WIDTH = 2;

function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser has no 2d canvas');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export function drawHead(canvas: HTMLCanvasElement, height: number, scene: Scene, ticks: readonly number[], isZoomed: boolean): void {
  const { timeline, palette, width, toX, fromX } = scene;
  const context = prepare(canvas, width, height);
  const { top } = OVERVIEW;
  const columns = Math.max(1, Math.floor(width / 2));
  const busy = utilisation(timeline, columns);
  const perLane = OVERVIEW.height / Math.max(1, timeline.lanes.length);
  context.fillStyle = palette.idle;
  context.fillRect(0, top, width, OVERVIEW.height);
  context.fillStyle = palette.bars[PASSED] ?? '';
  busy.forEach((lanes, column) => {
    const tall = Math.min(OVERVIEW.height, lanes * perLane);
    context.fillRect((column * width) / columns, top + OVERVIEW.height - tall, width / columns, tall);
  });
  context.fillStyle = palette.bars[0] ?? '';
  for (const { attempts, failures } of timeline.lanes) {
    for (const place of failures) {
      const at = ((timeline.attempts.startedAt[attempts[place] ?? -1] ?? 0) / timeline.endMs) * width;
      context.fillRect(at - 1, top + OVERVIEW.height - 5, FAILURE_WIDTH, 5);
    }
  }
  if (isZoomed) {
    const [from, to] = [(fromX(0) / timeline.endMs) * width, (fromX(width) / timeline.endMs) * width];
    context.fillStyle = palette.line;
    context.globalAlpha = 0.7;
    context.fillRect(0, top, from, OVERVIEW.height);
    context.fillRect(to, top, width - to, OVERVIEW.height);
    context.globalAlpha = 1;
    context.strokeStyle = palette.accent;
    context.strokeRect(from + 0.5, top + 0.5, Math.max(2, to - from - 1), OVERVIEW.height - 1);
  }
  context.font = `11px ${palette.font}`;
  context.textBaseline = 'middle';
  const stepMs = (ticks[1] ?? 1) - (ticks[0] ?? 0);
  for (const tick of ticks) {
    const x = toX(tick);
    const text = instant(tick, stepMs);
    const half = context.measureText(text).width / 2;
    context.fillStyle = palette.line;
    context.fillRect(x, top + OVERVIEW.height, 1, 5);
    context.fillStyle = palette.muted;
    context.fillText(text, Math.max(0, Math.min(width - 2 * half, x - half)), top + OVERVIEW.height + 14);
  }
  let freeTo = width;
  for (const { at, name, kind } of timeline.marks) {
    const wide = context.measureText(name).width;
    const x = Math.min(toX(at), freeTo) - wide - 3;
    if (kind === 'end' || x < 0 || toX(at) > width + 1) continue;
    context.fillStyle = palette.marks[kind];
    context.fillText(name, x, height - 9);
    freeTo = x;
  }
}

export interface Outlined {
  readonly lane: Lane;
  readonly from: number;
  readonly to: number;
}

export function drawLanes(canvas: HTMLCanvasElement, scene: Scene, ticks: readonly number[], outlined: Outlined | null): void {
  const { timeline, palette, width, laneHeight, toX } = scene;
  const height = laneHeight * rowsOf(timeline);
  const context = prepare(canvas, width, height);
  const endX = Math.min(width, toX(timeline.endMs));
  timeline.lanes.forEach((lane, index) => {
    const top = index * laneHeight;
    context.fillStyle = palette.idle;
    context.fillRect(0, top + 1, endX, laneHeight - 2);
    const begunX = Math.max(0, Math.min(endX, toX(timeline.attempts.startedAt[lane.attempts[0] ?? -1] ?? 0)));
    context.fillStyle = palette.starting;
    context.fillRect(0, top + 1, begunX, laneHeight - 2);
  });
  drawWaits(context, scene);
  context.fillStyle = palette.line;
  for (const tick of ticks) context.fillRect(Math.round(toX(tick)), 0, 1, height);
  const visible = timeline.lanes.map((lane) => {
    const last = placeAt(lane, timeline.attempts, scene.fromX(width));
    return { first: Math.max(0, placeAt(lane, timeline.attempts, scene.fromX(0))), last };
  });
  const tests = visible.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const showsTests = tests / Math.max(1, visible.length) < width / PIXELS_A_TEST;
  for (const [index, lane] of timeline.lanes.entries()) {
    drawLane(context, scene, lane, { ...(visible[index] ?? { first: 0, last: -1 }), showsTests, top: index * laneHeight });
  }
  const laneIndex = outlined === null ? -1 : timeline.lanes.indexOf(outlined.lane);
  if (outlined !== null && laneIndex >= 0) {
    const [from, to] = [outlined.lane.attempts[outlined.from] ?? 0, outlined.lane.attempts[outlined.to - 1] ?? 0];
    const x = toX(timeline.attempts.startedAt[from] ?? 0);
    context.strokeStyle = palette.text;
    context.lineWidth = 2;
    context.strokeRect(x - 1, laneIndex * laneHeight + 1, Math.max(3, toX(endOf(timeline.attempts, to)) - x + 1), laneHeight - 2);
    context.lineWidth = 1;
  }
  drawMarks(context, scene, height);
}

interface Part {
  /** The first and last visible index in the lane's attempts. */
  readonly first: number;
  readonly last: number;
  /** False if a bar per test would be too small to see. */
  readonly showsTests: boolean;
  readonly top: number;
}

function drawLane(context: CanvasRenderingContext2D, scene: Scene, lane: Lane, { first, last, showsTests, top }: Part): void {
  const { timeline, palette, laneHeight, toX } = scene;
  const { attempts } = timeline;
  const gap = laneHeight < 12 ? 1 : 2;
  const [y, tall] = [top + gap, laneHeight - 2 * gap];
  const bar = (fromX: number, to: number, status: number): void => {
    const wide = to - fromX;
    context.fillStyle = palette.bars[status] ?? '';
    context.fillRect(fromX, y, Math.max(0.75, wide > GAPPED ? wide - 1 : wide), tall);
  };
  let [from, to, group] = [0, Number.NEGATIVE_INFINITY, -1];
  for (let place = first; place <= last; place += 1) {
    const attempt = lane.attempts[place] ?? -1;
    const [x, end] = [toX(attempts.startedAt[attempt] ?? 0), toX(endOf(attempts, attempt))];
    if (showsTests) {
      bar(x, end, attempts.status[attempt] ?? PASSED);
      continue;
    }
    // Adjacent tests of one file without a visible gap share one bar.
    const own = timeline.fileOfAttempt[attempt] ?? -1;
    if (own === group && x - to < 1) to = Math.max(to, end);
    else {
      if (to > from) bar(from, to, PASSED);
      [from, to, group] = [x, end, own];
    }
  }
  if (!showsTests && to > from) bar(from, to, PASSED);
  for (const place of lane.failures) {
    if (place < first || place > last) continue;
    const attempt = lane.attempts[place] ?? -1;
    const x = toX(attempts.startedAt[attempt] ?? 0);
    context.fillStyle = palette.bars[attempts.status[attempt] ?? 0] ?? '';
    context.fillRect(x, y - 1, Math.max(FAILURE_WIDTH, toX(endOf(attempts, attempt)) - x - 1), tall + 2);
  }
}

function drawMarks(context: CanvasRenderingContext2D, { timeline, palette, width, toX }: Scene, height: number): void {
  context.setLineDash([4, 3]);
  for (const { at, kind } of timeline.marks) {
    const x = Math.min(width - 1, Math.round(toX(at))) + 0.5;
    if (x < 0 || x > width) continue;
    context.strokeStyle = palette.marks[kind];
    context.lineWidth = kind === 'end' ? 1 : 2;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
  }
  context.setLineDash([]);
  context.lineWidth = 1;
}
