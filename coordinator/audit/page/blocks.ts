// Makes the blocks that an audit consists of. All text in them is data.

import { inSeconds } from '../../reporters/summary/profile-text.ts';
import type { Bar, Block, Inline } from '../../web/audit-data.ts';

export const code = (text: string): Inline => ({ code: text });
export const heading = (text: string, level: 1 | 2 = 2): Block => ({ kind: 'heading', level, text });
export const words = (...inlines: readonly Inline[]): Block => ({ kind: 'words', words: inlines });
/** Returns nothing if there are no rows. */
export const table = (
  head: readonly string[],
  rows: readonly (readonly (Inline | readonly Inline[])[])[],
  wordy: readonly number[] = [],
): Block[] =>
  rows.length === 0
    ? []
    : [
        {
          kind: 'table',
          head,
          wordy,
          rows: rows.map((row) => row.map((cell) => (typeof cell === 'string' || 'code' in cell ? [cell] : cell))),
        },
      ];

export const bar = (label: string, parts: readonly { readonly part: string; readonly seconds: number }[]): Bar => ({
  label,
  parts: parts.map(({ part, seconds }) => ({ part, seconds, words: inSeconds(seconds) })),
  words: inSeconds(parts.reduce((sum, { seconds }) => sum + seconds, 0)),
});
