// The audit as a document of a few kinds of blocks, which md.ts and html.ts render. All text in it is data.

/** Plain text, or a name or command that is shown as code. */
export type Inline = string | { readonly code: string };

/** A bar made of parts. All bars of one chart have the same scale. */
export interface Bar {
  readonly label: string;
  readonly seconds: readonly { readonly part: string; readonly seconds: number }[];
}

export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2; readonly text: string }
  | { readonly kind: 'words'; readonly words: readonly Inline[] }
  | { readonly kind: 'list'; readonly items: readonly (readonly Inline[])[] }
  /** The first column is text. The others are numbers, except those in `wordy`. */
  | {
      readonly kind: 'table';
      readonly head: readonly string[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
      readonly wordy: readonly number[];
    }
  /** Has no information beyond the table next to it. */
  | { readonly kind: 'bars'; readonly title: string; readonly bars: readonly Bar[] }
  | { readonly kind: 'code'; readonly language: string; readonly text: string };

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
