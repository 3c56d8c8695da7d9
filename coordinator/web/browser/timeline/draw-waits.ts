// Draws the lanes of the timeline in which shards wait, below the workers' lanes.

import type { Timeline } from './lanes.ts';

interface WaitScene {
  readonly timeline: Pick<Timeline, 'lanes' | 'waits' | 'endMs'>;
  readonly palette: { readonly idle: string; readonly waiting: string };
  readonly width: number;
  readonly laneHeight: number;
  readonly toX: (at: number) => number;
}

/** A bar that is narrower than this, in pixels, could not be seen. */
const LEAST_WIDTH = 2;

export function drawWaits(context: CanvasRenderingContext2D, { timeline, palette, width, laneHeight, toX }: WaitScene): void {
  const endX = Math.min(width, toX(timeline.endMs));
  const gap = laneHeight < 12 ? 1 : 2;
  for (const [index, { bars }] of timeline.waits.entries()) {
    const top = (timeline.lanes.length + index) * laneHeight;
    context.fillStyle = palette.idle;
    context.fillRect(0, top + 1, endX, laneHeight - 2);
    context.fillStyle = palette.waiting;
    for (const { fromMs, toMs } of bars) {
      const [from, to] = [Math.max(0, toX(fromMs)), Math.min(width, toX(toMs))];
      if (to >= 0 && from <= width) context.fillRect(from, top + gap, Math.max(LEAST_WIDTH, to - from), laneHeight - 2 * gap);
    }
  }
}
