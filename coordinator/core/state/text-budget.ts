// How much text of its tests a run keeps, so that its report can be written: a string of V8 has at most 2^29 characters, and 3,400 failures with the
// longest tracebacks and output that the plugin lets through are more. The journal has every text whole.

/** Characters that the texts of one run may take in the report's forms: whole ones first, then short ones; what comes after that keeps a line. */
export const TEXT_BUDGET: TextLimits = { wholeChars: 150_000_000, shortChars: 50_000_000 };

/** How much of a traceback is kept once there is no room for whole texts, and once there is none for short ones either. */
const KEPT_CHARS = { short: 1000, least: 100 } as const;

export interface TextLimits {
  readonly wholeChars: number;
  readonly shortChars: number;
}

/** What a test said in one attempt. */
export interface Texts {
  readonly message: string | null;
  readonly sections: readonly { readonly title: string; readonly text: string }[];
}

/** What is left of the budget. `cut` counts the texts that were shortened. */
export interface TextBudget {
  wholeChars: number;
  shortChars: number;
  cut: number;
}

export const newTextBudget = (limits: TextLimits = TEXT_BUDGET): TextBudget => ({ ...limits, cut: 0 });

/** The texts as they fit: whole while there is room, else the end of the traceback with a mark, without captured output. Takes it from `budget`. */
export function fitTexts(budget: TextBudget, texts: Texts): Texts {
  // Escaping makes no text shorter: most of what does not fit need not be counted.
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

/** The same for what holds texts among other things; the very same where they are whole. */
export function fitResult<Result extends Texts>(budget: TextBudget, result: Result): Result {
  const { message, sections } = fitTexts(budget, result);
  return message === result.message && sections === result.sections ? result : { ...result, message, sections };
}

/** The end of a traceback names what went wrong. */
function shortened(texts: Texts, keptChars: number): Texts {
  const text = texts.message ?? '';
  const lostChars = lengthOf(texts) - Math.min(text.length, keptChars);
  if (lostChars === 0) return texts;
  const mark = `[… ${lostChars} characters of traceback and output were cut: this run wrote more than its report can hold]`;
  const kept = copyOf(text.slice(-keptChars).toWellFormed());
  return { message: kept === '' ? mark : `${mark}\n${kept}`, sections: [] };
}

/** V8 keeps the whole of a string for as long as a slice of it is alive. */
const copyOf = (text: string): string => String(JSON.parse(JSON.stringify(text)));

const lengthOf = ({ message, sections }: Texts): number =>
  sections.reduce((sum, { title, text }) => sum + title.length + text.length, message?.length ?? 0);

/** How many characters these texts take at most, escaped as JSON, in a page, or as XML. */
function costOf({ message, sections }: Texts): number {
  const texts = [message ?? '', ...sections.flatMap(({ title, text }) => [title, text])];
  return texts.reduce((sum, text) => sum + escapedLength(text), 0);
}

/** Characters by what escaping makes of each: `<` becomes `\u003c` in a page, `&` becomes `&amp;` in XML, U+2028 becomes `\\x2028` in a page. */
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
