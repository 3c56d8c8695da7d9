// Whether the suite's own hooks made a session fail at its end, after all tests: what is no test's outcome must not be lost for it.

/** pytest's own codes for a session in which nothing failed: 0, and 5 where it counted no tests. */
const CLEAN_EXITS: readonly number[] = [0, 5];

export interface SessionEnd {
  /** What pytest itself came to, as it told its hooks at the end; null when one of these raised before ours was asked. */
  readonly finished: number | null;
  /** With what its process ended. */
  readonly exitCode: number | null;
  /** The end of what it printed. */
  readonly output: string;
}

/**
 * What is to be told of a session that ended in order; null where its exit code is pytest's own, or one that only makes less of it: a failed test
 * stays one.
 */
export function closingProblem({ finished, exitCode, output }: SessionEnd): string | null {
  if (exitCode === null || CLEAN_EXITS.includes(exitCode)) return null;
  if (finished !== null && !CLEAN_EXITS.includes(finished)) return null;
  const printed = output.trim();
  const what = `pytest's session ended with exit code ${exitCode}, by a hook of the suite or an option such as --max-warnings`;
  return printed === '' ? what : `${what}\n\n${printed}`;
}
