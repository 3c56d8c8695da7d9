// The timeline: one lane per xdist worker, drawn on canvas because 100,000 bars are too many for elements. It does not know the page around
// it.

import { laneHeightOf } from './bars.ts';
import { type Chart, type Elements, measure, outlined, point, replace, type TimelineHandlers, zoomBy } from './chart.ts';
import { listen } from './input.ts';
import type { Timeline } from './lanes.ts';
import { createPainter } from './painter.ts';
import { createViewport } from './viewport.ts';

export interface TimelineView {
  show(timeline: Timeline): void;
  zoomBy(factor: number): void;
  reset(): void;
  laneHeight(): number;
  destroy(): void;
}

export function createTimeline(elements: Elements, timeline: Timeline, handlers: TimelineHandlers): TimelineView {
  const viewport = createViewport(elements.body, (isZoomed) => {
    handlers.onZoom(isZoomed);
    point(chart, null);
    painter.redraw();
  });
  const painter = createPainter(elements, () => ({ timeline: chart.timeline, viewport, outlined: outlined(chart) }));
  const chart: Chart = { elements, handlers, viewport, painter, timeline, selection: { kind: 'nothing' } };
  const stopListening = listen(chart);
  measure(chart);
  return {
    show: (next) => replace(chart, next),
    zoomBy: (factor) => zoomBy(chart, factor),
    reset: () => viewport.showWholeRun(),
    laneHeight: () => laneHeightOf(chart.timeline),
    destroy() {
      stopListening();
      painter.stop();
      viewport.destroy();
    },
  };
}
