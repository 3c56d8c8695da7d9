// Detects that the suite's own hooks failed a session after its last test. Such a failure is no test's outcome and would otherwise be lost.

import type { SessionEnding } from '../../shared/domain/events.ts';

/** pytest's exit code for a session without tests. */
const NO_TESTS = 5;

/** pytest's exit codes for a session without a failure: 0, and 5 if it counted no tests. */
const CLEAN_EXITS: readonly number[] = [0, NO_TESTS];

export interface SessionEnd {
  /** The exit code that pytest passed to its hooks at the end. null when another hook raised before ours ran. */
  readonly finished: number | null;
  /** The exit code of the process. */
  readonly exitCode: number | null;
  /** The end of the session's output. */
  readonly output: string;
}

/**
 * Describes the problem of a session that ended in order. Returns null when pytest itself chose the exit code, and when a hook only turned
 * a failure into a lesser code: a failed test stays failed.
 */
function closingProblem({ finished, exitCode, output }: SessionEnd): string | null {
  if (exitCode === null || CLEAN_EXITS.includes(exitCode)) return null;
  if (finished !== null && !CLEAN_EXITS.includes(finished)) return null;
  const printed = output.trim();
  const what = `pytest's session ended with exit code ${exitCode}, by a hook of the suite or an option such as --max-warnings`;
  return printed === '' ? what : `${what}\n\n${printed}`;
}

/** What hooks of the suite made of a session that ended in order. */
export const sessionEnding = (end: SessionEnd): SessionEnding => ({
  problem: closingProblem(end),
  acceptsNoTests: end.finished === NO_TESTS && end.exitCode === 0,
});
