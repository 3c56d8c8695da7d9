// Shows progress on a terminal: permanent lines, and below them a status screen that is redrawn at most a few times a second.

import type { Clock } from '../../../shared/clock.ts';
import type { Drawable } from '../../../shared/system/edge.ts';
import type { Paint } from '../text/colors.ts';
import type { Teller } from './progress-output.ts';
import { standingAt, type Watched } from './run-status.ts';
import { screenLines } from './screen.ts';
import { createDrawer } from './screen-redraw.ts';

const REDRAW_MS = 100;

export function createLiveScreen(out: Drawable, paint: Paint, clock: Clock): Teller {
  const drawer = createDrawer(out);
  let waiting: string[] = [];
  let shown: Watched | null = null;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    const now = clock.now();
    const { columns: width = 0, rows: height = 0 } = out;
    const lines = waiting;
    waiting = [];
    drawnAt = now;
    drawer.draw(lines, shown === null || width === 0 ? [] : screenLines(standingAt(shown, now), { width, height, paint }));
  };
  out.on('resize', draw);
  return {
    tell(lines, watched) {
      waiting.push(...lines);
      shown = watched;
      if (clock.now() - drawnAt >= REDRAW_MS) draw();
    },
    end() {
      out.removeListener('resize', draw);
      drawer.draw(waiting, []);
    },
  };
}
