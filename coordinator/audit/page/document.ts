// The audit as a document of few kinds of blocks, which md.ts and html.ts draw. All text in it is data.

/** Words, or a name or command that is set as code. */
export type Inline = string | { readonly code: string };

/** A bar of parts, all of one chart to one scale. */
export interface Bar {
  readonly label: string;
  readonly seconds: readonly { readonly part: string; readonly seconds: number }[];
}

export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2; readonly text: string }
  | { readonly kind: 'words'; readonly words: readonly Inline[] }
  | { readonly kind: 'list'; readonly items: readonly (readonly Inline[])[] }
  /** The first column is words, the others are numbers but for those in `wordy`. */
  | {
      readonly kind: 'table';
      readonly head: readonly string[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
      readonly wordy: readonly number[];
    }
  /** Says nothing that a table beside it does not. */
  | { readonly kind: 'bars'; readonly title: string; readonly bars: readonly Bar[] }
  | { readonly kind: 'code'; readonly language: string; readonly text: string };

export const code = (text: string): Inline => ({ code: text });
export const heading = (text: string, level: 1 | 2 = 2): Block => ({ kind: 'heading', level, text });
export const words = (...inlines: readonly Inline[]): Block => ({ kind: 'words', words: inlines });
/** Nothing where there are no rows. */
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
