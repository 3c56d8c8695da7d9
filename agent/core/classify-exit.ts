// How an attempt ended, from how its pytest ended and from what it told before.

import type { AttemptEnding, InterruptCause } from '../../shared/attempt.ts';
import type { NodeId } from '../../shared/ids.ts';

export interface SessionExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Did pytest come so far as to load our plugin and say so? */
  readonly isStarted: boolean;
  /** pytest's own last word; null when it did not come to it. `byMaxfail`: it stopped because of its own -x or --maxfail. */
  readonly finished: { readonly exitCode: number; readonly byMaxfail: boolean } | null;
  /** Why we stopped it; null when we did not. */
  readonly interruptedBy: InterruptCause | null;
  /** Did the suite itself want the end of all: pytest.exit, a KeyboardInterrupt? */
  readonly isExitRequested: boolean;
  /** What is still missing: files that were neither collected nor failed to, and announced tests without a result. */
  readonly missing: readonly string[];
  /** A test that was on when pytest ended. */
  readonly running: NodeId | null;
  /** The end of what pytest printed. */
  readonly output: string;
}

/** Exit codes of pytest after which its results are what it says they are: 3 is an internal error, 4 a usage error. */
const BROKEN_EXITS: readonly number[] = [3, 4];

/** How many missing things a detail names. */
const NAMED = 5;

/** Complete results that pytest itself stands by are `finished`, whatever else was going on; then the first cause counts. */
export function classifyExit(exit: SessionExit): AttemptEnding {
  const isSound = exit.finished !== null && !BROKEN_EXITS.includes(exit.finished.exitCode) && !BROKEN_EXITS.includes(exit.exitCode ?? 0);
  if (isSound && exit.missing.length === 0) return { kind: 'finished' };
  if (exit.interruptedBy !== null) return { kind: 'interrupted', by: exit.interruptedBy };
  if (exit.isExitRequested) return { kind: 'interrupted', by: 'pytest-exit' };
  if (!exit.isStarted) return { kind: 'not-started', error: 'session-not-started', detail: detailOf(exit) };
  if (exit.finished?.byMaxfail === true) return { kind: 'interrupted', by: 'maxfail' };
  return { kind: 'crashed', exitCode: exit.exitCode, signal: exit.signal, running: exit.running, detail: detailOf(exit) };
}

function detailOf(exit: SessionExit): string {
  const how = exit.signal === null ? `pytest ended with exit code ${exit.exitCode}` : `pytest was killed by ${exit.signal}`;
  const named = exit.missing.slice(0, NAMED).join(', ');
  const more = exit.missing.length > NAMED ? ` and ${exit.missing.length - NAMED} more` : '';
  const what = exit.missing.length === 0 ? '' : `, without a result of ${named}${more}`;
  const output = exit.output.trim();
  return output === '' ? `${how}${what}.` : `${how}${what}. It printed last:\n${output}`;
}
