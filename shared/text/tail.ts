// The end of a text that is too long to be carried or shown whole.

/** At most `chars` of it, from the beginning of a line on where there is one: half a line misleads. */
export function tailOf(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const end = text.slice(-chars);
  if (text[text.length - chars - 1] === '\n') return end;
  const line = end.indexOf('\n');
  return line === -1 ? end : end.slice(line + 1);
}
