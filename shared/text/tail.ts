// The end of a text that is too long to send or show completely.

/** At most `chars` characters, starting at the beginning of a line if possible: half a line misleads. */
export function tailOf(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const end = text.slice(-chars);
  if (text[text.length - chars - 1] === '\n') return end;
  const line = end.indexOf('\n');
  return line === -1 ? end : end.slice(line + 1);
}
