// The visible part of the run. d3-zoom owns it and the gestures that change it, d3-scale the position of an instant.

import { scaleUtc } from 'd3-scale';
import { select } from 'd3-selection';
import { type D3ZoomEvent, type ZoomBehavior, zoom, zoomIdentity, zoomTransform } from 'd3-zoom';
import type { Scale } from './bars.ts';

/** Instants are milliseconds since the run's start, positions are pixels from the left edge. */
export interface Viewport {
  scale(): Scale;
  /** The instants at which the clock shows the time. */
  ticks(): number[];
  isZoomed(): boolean;
  /** The whole run now ends at `endMs`, and the lanes are `height` pixels high. The canvas may have another width than before. */
  fit(endMs: number, height: number): void;
  /** Zooms around a position, or around the middle. */
  zoomBy(factor: number, around: number | null): void;
  panBy(pixels: number): void;
  /** Centers the visible part on a position in the unzoomed run. */
  centerOn(x: number): void;
  /** Moves to an instant if it is not visible. */
  reveal(at: number): void;
  /** Shows this part of the run with some room beside it. */
  zoomTo(from: number, to: number): void;
  /** Makes this part of the run fill the width. */
  fill(from: number, to: number): void;
  showWholeRun(): void;
  destroy(): void;
}

/** Length of a pixel at the closest zoom. */
const CLOSEST_MS = 0.02;

/** `onChange` is called whenever another part becomes visible. */
export function createViewport(canvas: HTMLCanvasElement, onChange: (isZoomed: boolean) => void): Viewport {
  const whole = scaleUtc();
  let endMs = 0;
  let width = 0;
  const shown = () => zoomTransform(canvas).rescaleX(whole);
  const zooming = zoomGestures().on('zoom', ({ transform }: D3ZoomEvent<HTMLCanvasElement, unknown>) => onChange(transform.k > 1));
  const zoomed = select(canvas).call(zooming).on('dblclick.zoom', null);
  return {
    scale: () => {
      const scale = shown();
      return { width, toX: (at) => scale(at), atX: (x) => scale.invert(x).getTime() };
    },
    ticks: () =>
      shown()
        .ticks(Math.max(2, Math.floor(width / 110)))
        .map((tick) => tick.getTime()),
    isZoomed: () => zoomTransform(canvas).k > 1,
    fit(nextEndMs, height) {
      endMs = nextEndMs;
      width = canvas.clientWidth;
      whole.domain([0, endMs]).range([0, width]);
      limit(zooming, [width, height], endMs);
    },
    zoomBy: (factor, around) => void zoomed.call(zooming.scaleBy, factor, [around ?? width / 2, 0]),
    panBy: (pixels) => void zoomed.call(zooming.translateBy, pixels / zoomTransform(canvas).k, 0),
    centerOn: (x) => void zoomed.call(zooming.translateTo, x, 0),
    reveal(at) {
      const x = shown()(at);
      if (x < 0 || x > width) zoomed.call(zooming.translateTo, whole(at), 0);
    },
    zoomTo(fromMs, toMs) {
      const [from, to] = [whole(fromMs), whole(toMs)];
      zoomed.call(zooming.transform, zoomIdentity.scale(Math.max(1, (0.8 * width) / Math.max(to - from, 1e-3))));
      zoomed.call(zooming.translateTo, (from + to) / 2, 0);
    },
    fill(from, to) {
      const k = endMs / Math.max(1e-3, to - from);
      zoomed.call(zooming.transform, zoomIdentity.scale(k).translate(-whole(from), 0));
    },
    showWholeRun: () => void zoomed.call(zooming.transform, zoomIdentity),
    destroy: () => void zoomed.on('.zoom', null),
  };
}

type Zooming = ZoomBehavior<HTMLCanvasElement, unknown>;

const zoomGestures = (): Zooming =>
  zoom<HTMLCanvasElement, unknown>()
    // A wheel without a modifier key scrolls the page as usual.
    .filter((event: WheelEvent & MouseEvent) => (event.type === 'wheel' ? event.ctrlKey || event.metaKey : event.button === 0))
    .wheelDelta((event) => -event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.004));

function limit(zooming: Zooming, size: [width: number, height: number], endMs: number): void {
  const extent: [[number, number], [number, number]] = [[0, 0], size];
  zooming
    .extent(extent)
    .translateExtent(extent)
    .scaleExtent([1, Math.max(1, endMs / Math.max(1, size[0]) / CLOSEST_MS)]);
}
