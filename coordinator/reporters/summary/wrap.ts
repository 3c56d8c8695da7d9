// Lines of ours made to fit a terminal.

/** How far the words of a report's line stand from its head. */
const INDENT = 9;

/**
 * Breaks a line behind commas, colons and semicolons so that no line is wider than that, where its parts allow it; what follows is indented. Nothing is
 * broken where there is no width.
 */
export function wrap(line: string, width: number | null): readonly string[] {
  if (width === null || line.length <= width) return [line];
  const lines: string[] = [];
  for (const part of line.split(/(?<=[,:;]) /)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + part.length <= width) lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(last === undefined ? part : ' '.repeat(INDENT) + part);
  }
  return lines;
}
