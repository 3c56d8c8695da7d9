// Limits the text that a run keeps of its tests, so that its report can be written: a V8 string has at most 2^29 characters, and 3,400
// failures with the longest tracebacks and output that the plugin allows exceed that. The run log has every text whole.

/** Characters for the texts of one run in the reports: first for whole texts, then for short ones; later texts keep about one line. */
export const TEXT_BUDGET: TextLimits = { wholeChars: 150_000_000, shortChars: 50_000_000 };

/** Characters of a traceback that are kept once there is no room for whole texts, and once there is none for short ones either. */
const KEPT_CHARS = { short: 1000, least: 100 } as const;

export interface TextLimits {
  readonly wholeChars: number;
  readonly shortChars: number;
}

/** The texts of a test in one attempt. */
export interface Texts {
  readonly message: string | null;
  readonly sections: readonly { readonly title: string; readonly text: string }[];
}

/** The remaining budget. `cut` counts shortened texts. */
export interface TextBudget {
  wholeChars: number;
  shortChars: number;
  cut: number;
}

export const newTextBudget = (limits: TextLimits = TEXT_BUDGET): TextBudget => ({ ...limits, cut: 0 });

/**
 * Fits texts into `budget` and deducts them: whole while there is room, otherwise the marked end of the traceback without captured output.
 */
export function fitTexts(budget: TextBudget, texts: Texts): Texts {
  // Escaping never shortens a text, so most texts that do not fit need no exact count.
  const whole = lengthOf(texts) > budget.wholeChars ? Number.POSITIVE_INFINITY : costOf(texts);
  if (whole <= budget.wholeChars) {
    budget.wholeChars -= whole;
    return texts;
  }
  const short = shortened(texts, KEPT_CHARS.short);
  const isShort = costOf(short) <= budget.shortChars;
  const kept = isShort ? short : shortened(texts, KEPT_CHARS.least);
  if (isShort) budget.shortChars -= costOf(short);
  if (kept !== texts) budget.cut += 1;
  return kept;
}

/** Fits one text. */
export const fitText = (budget: TextBudget, text: string): string => fitTexts(budget, { message: text, sections: [] }).message ?? '';

/** Fits the texts of a larger object; returns the same object if they stay whole. */
export function fitResult<Result extends Texts>(budget: TextBudget, result: Result): Result {
  const { message, sections } = fitTexts(budget, result);
  return message === result.message && sections === result.sections ? result : { ...result, message, sections };
}

/** Keeps the end of a traceback, which names the error. */
function shortened(texts: Texts, keptChars: number): Texts {
  const text = texts.message ?? '';
  const lostChars = lengthOf(texts) - Math.min(text.length, keptChars);
  if (lostChars === 0) return texts;
  const mark = `[… ${lostChars} characters of traceback and output were cut: this run wrote more than its report can hold]`;
  const kept = copyOf(text.slice(-keptChars).toWellFormed());
  return { message: kept === '' ? mark : `${mark}\n${kept}`, sections: [] };
}

/** Copies the slice, because V8 keeps a whole string alive while a slice of it is. */
const copyOf = (text: string): string => String(JSON.parse(JSON.stringify(text)));

const lengthOf = ({ message, sections }: Texts): number =>
  sections.reduce((sum, { title, text }) => sum + title.length + text.length, message?.length ?? 0);

/** The most characters that these texts take when escaped as JSON, in a page, or as XML. */
function costOf({ message, sections }: Texts): number {
  const texts = [message ?? '', ...sections.flatMap(({ title, text }) => [title, text])];
  return texts.reduce((sum, text) => sum + escapedLength(text), 0);
}

/**
 * Character ranges by their longest escaped form: `<` becomes `\u003c` in a page, `&` becomes `&amp;` in XML, U+2028 becomes `\\x2028` in a
 * page.
 */
const ESCAPED: readonly (readonly [length: number, ...ranges: (readonly [first: number, last: number])[]])[] = [
  [6, [0x00, 0x1f], [0x7f, 0x9f], [0xd800, 0xdfff], [0xfdd0, 0xfdef], [0xfffe, 0xffff]],
  [2, [0x09, 0x0a], [0x22, 0x22], [0x5c, 0x5c]],
  [4, [0x3e, 0x3e]],
  [5, [0x26, 0x26]],
  [6, [0x3c, 0x3c]],
  [7, [0x2028, 0x202e], [0x2066, 0x2069]],
];

const lengths = new Uint8Array(0x1_0000).fill(1);
for (const [length, ...ranges] of ESCAPED) for (const [first, last] of ranges) lengths.fill(length, first, last + 1);

export function escapedLength(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) sum += lengths[text.charCodeAt(at)] ?? 1;
  return sum;
}
