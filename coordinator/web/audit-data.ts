// The data that audit.html is drawn from: what an audit says, as blocks. audit.md says the same blocks.

/** Plain text, or a name or command that is shown as code. */
export type Inline = string | { readonly code: string };

/** A part of a bar. `words` is its length in words. */
export interface BarPart {
  readonly part: string;
  readonly seconds: number;
  readonly words: string;
}

/** A bar made of parts. All bars of one chart have the same scale. */
export interface Bar {
  readonly label: string;
  readonly parts: readonly BarPart[];
  /** The length of the whole bar in words. */
  readonly words: string;
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
