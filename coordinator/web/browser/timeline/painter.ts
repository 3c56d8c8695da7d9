// Paints the timeline at most once a frame, in the colors of the page.

import { laneHeightOf } from './bars.ts';
import { drawHead, drawLanes, type Outlined, type Palette, readPalette } from './draw.ts';
import type { Timeline } from './lanes.ts';
import type { Viewport } from './viewport.ts';

/** What the next frame shows. */
export interface Picture {
  readonly timeline: Timeline;
  readonly viewport: Viewport;
  readonly outlined: Outlined | null;
}

export interface Painter {
  /** Paints in the next frame. */
  redraw(): void;
  /** Reads the page's colors again and paints in the next frame. */
  recolor(): void;
  /** Paints no more. */
  stop(): void;
}

/** `head` shows utilization and clock, `body` the lanes. */
export interface Canvases {
  readonly head: HTMLCanvasElement;
  readonly body: HTMLCanvasElement;
}

/** Height in pixels with the clock alone, and with a line for the names of the deadline and the drain. */
const HEAD = { plain: 56, marked: 72 } as const;

/** `look` is asked in the frame itself, so a frame shows the latest state. */
export function createPainter(canvases: Canvases, look: () => Picture): Painter {
  let palette = readPalette(canvases.body);
  let frame = 0;
  const redraw = (): void => {
    if (frame === 0)
      frame = requestAnimationFrame(() => {
        frame = 0;
        paint(canvases, palette, look());
      });
  };
  return {
    redraw,
    recolor() {
      palette = readPalette(canvases.body);
      redraw();
    },
    stop: () => cancelAnimationFrame(frame),
  };
}

function paint({ head, body }: Canvases, palette: Palette, { timeline, viewport, outlined }: Picture): void {
  const { width, toX: slowToX } = viewport.scale();
  // Computed by hand: d3's scale takes ten times as long for each of 100,000 bars.
  const origin = slowToX(0);
  const perMs = (slowToX(timeline.endMs) - origin) / timeline.endMs;
  const toX = (at: number): number => origin + at * perMs;
  const fromX = (pixels: number): number => (pixels - origin) / perMs;
  const scene = { timeline, palette, width, laneHeight: laneHeightOf(timeline), toX, fromX };
  const ticks = viewport.ticks();
  drawHead(head, timeline.marks.some(({ kind }) => kind !== 'end') ? HEAD.marked : HEAD.plain, scene, ticks, viewport.isZoomed());
  drawLanes(body, scene, ticks, outlined);
}
