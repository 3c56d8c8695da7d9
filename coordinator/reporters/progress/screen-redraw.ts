// A screen at the foot of a terminal, drawn again and again, below the lines that stay. The cursor is never hidden: no end of the process can leave it so.

import { createLogUpdate } from 'log-update';
import stringWidth from 'string-width';
import type { Drawable } from '../../../shared/system/edge.ts';

export interface Drawer {
  /** Writes lines that stay, and below them the screen in place of the one before; without lines of its own it is gone. */
  draw(lines: readonly string[], screen: readonly string[]): void;
}

/** Up one line, and erase it. */
const ERASE_ABOVE = '\u001b[1A\u001b[2K';

export function createDrawer(out: Drawable): Drawer {
  const update = createLogUpdate(out, { showCursor: true });
  let drawn: readonly string[] = [];
  let drawnWidth = 0;
  const clear = (): void => {
    const width = out.columns ?? drawnWidth;
    // Terminals break lines anew when they become too narrow for them: the screen is higher now than it was drawn.
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
      // In one piece: what is erased for a moment would flicker.
      out.cork();
      if (lines.length > 0 || screen.length === 0 || width !== drawnWidth) clear();
      if (lines.length > 0) out.write(`${lines.join('\n')}\n`);
      if (screen.length > 0) update(screen.join('\n'));
      out.uncork();
      drawn = screen;
      drawnWidth = width;
    },
  };
}
