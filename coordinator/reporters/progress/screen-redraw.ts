// Redraws a screen at the bottom of a terminal, below the permanent lines. It never hides the cursor, so that a killed process cannot leave
// it hidden.

import { createLogUpdate } from 'log-update';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { Drawable } from '../../../shared/system/edge.ts';

export interface Drawer {
  /** Writes permanent lines, and below them the screen in place of the previous one. An empty `screen` removes it. */
  draw(lines: readonly string[], screen: readonly string[]): void;
}

/** Moves up one line and erases it. */
const ERASE_ABOVE = '\u001b[1A\u001b[2K';

/** Names and paths stay whole, so that they can be copied. */
const wordWrapped = (line: string, width: number): string => (width === 0 ? line : wrapAnsi(line, width, { hard: false, trim: true }));

export function createRedraw(out: Drawable): Drawer {
  const update = createLogUpdate(out, { showCursor: true });
  let drawn: readonly string[] = [];
  let drawnWidth = 0;
  const clear = (): void => {
    const width = out.columns ?? drawnWidth;
    // Terminals re-wrap lines when they become narrower, so the old screen now has more lines than were drawn.
    if (width > 0 && width < drawnWidth) {
      const more = drawn.reduce((sum, line) => sum + Math.max(0, Math.ceil(stringWidth(line) / width) - 1), 0);
      out.write(ERASE_ABOVE.repeat(more));
    }
    update.clear();
    drawn = [];
  };
  return {
    draw(lines, screen) {
      const width = out.columns ?? 0;
      // Written at once, because an erased screen would flicker.
      out.cork();
      if (lines.length > 0 || screen.length === 0 || width !== drawnWidth) clear();
      if (lines.length > 0) out.write(`${lines.map((line) => wordWrapped(line, width)).join('\n')}\n`);
      if (screen.length > 0) update(screen.join('\n'));
      out.uncork();
      drawn = screen;
      drawnWidth = width;
    },
  };
}
