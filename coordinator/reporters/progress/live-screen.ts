// Shows progress on a terminal: permanent lines, and below them a status screen that is redrawn at most a few times a second.

import type { Clock } from '../../../shared/clock.ts';
import type { Drawable } from '../../../shared/system/edge.ts';
import type { Paint } from '../text/colors.ts';
import type { ProgressOutput } from './progress-output.ts';
import { type RunView, statusAt } from './run-status.ts';
import { screenLines } from './screen.ts';
import { createRedraw } from './screen-redraw.ts';

const REDRAW_MS = 100;

export function createLiveScreen(out: Drawable, paint: Paint, clock: Clock): ProgressOutput {
  const redraw = createRedraw(out);
  let waiting: string[] = [];
  let shown: RunView | null = null;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    const now = clock.now();
    const { columns: width = 0, rows: height = 0 } = out;
    const lines = waiting;
    waiting = [];
    drawnAt = now;
    redraw.draw(lines, shown === null || width === 0 ? [] : screenLines(statusAt(shown, now), { width, height, paint }));
  };
  out.on('resize', draw);
  return {
    print(lines, view) {
      waiting.push(...lines);
      shown = view;
      if (clock.now() - drawnAt >= REDRAW_MS) draw();
    },
    end() {
      out.removeListener('resize', draw);
      redraw.draw(waiting, []);
    },
  };
}
