// Folds the phases of one test into its outcome, duration and message. It does not know how the phases arrived.

import type { Outcome } from '../../shared/domain/outcome.ts';

/**
 * One report of pytest. `when` is setup, call or teardown, or a plugin's own value (`???` from pytest-forked). A rerun by
 * pytest-rerunfailures has the outcome `rerun`.
 */
export interface Phase {
  readonly when: string;
  readonly outcome: string;
  readonly seconds: number;
  /** The reason of an xfail mark that took effect, possibly empty; null without such a mark. */
  readonly xfailReason: string | null;
  readonly isSubtest: boolean;
  readonly message: string | null;
  /** The first line of pytest's crash message; null without one. */
  readonly crash: string | null;
}

export interface Folded {
  readonly outcome: Outcome;
  readonly seconds: number;
  readonly setupSeconds: number;
  readonly teardownSeconds: number;
  readonly message: string | null;
  readonly brief: string | null;
}

/**
 * Follows pytest's own rules. A failed setup or teardown is an error; any other failure fails the test. If a test has two failures, the
 * first one decides the outcome and the message contains both. Reruns inside pytest count only for their time.
 * Returns null when no report of pytest settles the test.
 */
export function foldPhases(reported: readonly Phase[]): Folded | null {
  const phases = reported.slice(reported.findLastIndex((phase) => phase.outcome === 'rerun') + 1);
  const outcome = outcomeOf(phases);
  if (outcome === null) return null;
  const own = reported.filter((phase) => !phase.isSubtest);
  return {
    outcome,
    seconds: secondsOf(own),
    setupSeconds: secondsOf(own.filter((phase) => phase.when === 'setup')),
    teardownSeconds: secondsOf(own.filter((phase) => phase.when === 'teardown')),
    message: messageOf(phases, outcome),
    brief: phases.find((phase) => phase.outcome === 'failed')?.crash ?? null,
  };
}

/** The phases in which pytest counts a failure as an error (its own pytest_report_teststatus). */
const ERROR_PHASES: readonly string[] = ['collect', 'setup', 'teardown'];

const secondsOf = (phases: readonly Phase[]): number => phases.reduce((sum, phase) => sum + phase.seconds, 0);

function outcomeOf(phases: readonly Phase[]): Outcome | null {
  const firstFailed = phases.find((phase) => phase.outcome === 'failed');
  if (firstFailed !== undefined) return ERROR_PHASES.includes(firstFailed.when) ? 'error' : 'failed';
  const own = phases.filter((phase) => !phase.isSubtest);
  const skipped = own.find((phase) => phase.outcome === 'skipped' && phase.when !== 'teardown');
  if (skipped !== undefined) return skipped.xfailReason === null ? 'skipped' : 'xfailed';
  const call = own.find((phase) => phase.when === 'call' && phase.outcome === 'passed');
  if (call === undefined) return null;
  if (call.xfailReason === null) return 'passed';
  // pytest counts a test twice if its teardown or a subtest fails as expected, and its JUnit file calls the test skipped.
  return phases.some((phase) => phase.outcome === 'skipped' && phase.xfailReason !== null) ? 'xfailed' : 'xpassed';
}

function messageOf(phases: readonly Phase[], outcome: Outcome): string | null {
  switch (outcome) {
    case 'failed':
    case 'error':
      return joined(phases.filter((phase) => phase.outcome === 'failed').map((phase) => phase.message));
    case 'skipped':
      return joined(phases.filter((phase) => phase.outcome === 'skipped').map((phase) => phase.message));
    case 'xfailed':
    case 'xpassed':
      return joined(phases.map((phase) => phase.xfailReason));
    default:
      return null;
  }
}

function joined(texts: readonly (string | null)[]): string | null {
  const given = texts.filter((text) => text !== null && text !== '');
  return given.length === 0 ? null : given.join('\n\n');
}
