// Wraps shardline's own lines to fit a terminal.

/** The column at which the words of a report line begin, after its head. */
const INDENT = 9;

/**
 * Breaks a line after commas, colons and semicolons so that, where possible, no line is wider than `width`. Continuation lines are
 * indented. A null `width` breaks nothing.
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
