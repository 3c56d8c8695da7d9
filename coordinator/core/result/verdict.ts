// Decides a run's verdict and exit code. Exit codes 0–5 are pytest's own; shardline's begin at 10.

import { assertNever } from '../../../shared/assert-never.ts';
import type { NotRunReason, Verdict } from '../../../shared/domain/outcome.ts';
import type { NotRun, ReportedTest, Totals } from '../../../shared/domain/report.ts';
import type { CoverageFindings } from './coverage.ts';

/** Every exit code; if several apply, the first in this order is used. */
export const exitPrecedence = [4, 3, 2, 1, 11, 10, 5, 0] as const;
export type ExitCode = (typeof exitPrecedence)[number];

/** The code to use if all of `codes` apply. An unknown code, or no code at all, is an internal error: 3. */
export function firstExitCode(codes: readonly number[]): ExitCode {
  const known = codes.map((code) => exitPrecedence.find((each) => each === code) ?? 3);
  return exitPrecedence.find((code) => known.includes(code)) ?? 3;
}

/**
 * All inputs of a verdict. `collectErrors` counts files that could not be collected and sessions that failed at their end. `isInterrupted`
 * is true if the run was stopped before it was done.
 */
export interface Findings {
  readonly totals: Totals;
  /** Expected tests that pytest does not count as tests: modules that skipped themselves during collection. */
  readonly skippedModules: number;
  readonly collectErrors: number;
  /** True if hooks of the suite turn a session without tests into a success. */
  readonly acceptsNoTests: boolean;
  readonly notRun: readonly Pick<NotRun, 'reason'>[];
  readonly isInterrupted: boolean;
  /** True if the suite was collected by file although its files depend on each other. */
  readonly isInseparable: boolean;
  /** True if merged parts did not prove that they are one whole suite. */
  readonly isUnproven: boolean;
  /** True if a flaky test makes the run fail. */
  readonly flakyFails: boolean;
  /** Number of tests whose attempts contradict each other. */
  readonly conflicts: number;
  /** Number of agents of which messages are missing. */
  readonly missingMessages: number;
  readonly coverage: CoverageFindings;
}

/** A module that skipped itself has a result under its own name. */
export const countSkippedModules = (tests: readonly Pick<ReportedTest, 'nodeid' | 'outcome'>[]): number =>
  tests.filter(({ nodeid, outcome }) => outcome === 'skipped' && !nodeid.includes('::')).length;

/** `passed` only if every expected test ran and none failed. */
export function verdict(findings: Findings): { readonly verdict: Verdict; readonly exitCode: ExitCode } {
  const exitCode = firstExitCode(applying(findings));
  return { verdict: verdictOf(exitCode), exitCode: exitCode === 5 && findings.acceptsNoTests ? 0 : exitCode };
}

function applying({
  totals,
  skippedModules,
  collectErrors,
  notRun,
  isInterrupted,
  isInseparable,
  isUnproven,
  flakyFails,
  conflicts,
  missingMessages,
  coverage,
}: Findings): readonly ExitCode[] {
  const codes = new Set<ExitCode>(notRun.map(({ reason }) => codeOf(reason)));
  if (isInterrupted) codes.add(2);
  if (isInseparable || isUnproven || missingMessages > 0) codes.add(11);
  if (totals.failed + totals.error + collectErrors + conflicts + (flakyFails ? totals.flaky : 0) > 0) codes.add(1);
  if (coverage.isMissed) codes.add(1);
  // A stopped run also lacks coverage, but its missing tests already say so.
  if (coverage.isPartial && !isInterrupted && notRun.length === 0) codes.add(11);
  if (codes.size === 0) codes.add(totals.expected <= skippedModules ? 5 : 0);
  return [...codes];
}

/** A missing test is never green, even if the failure behind it is not among the results. */
function codeOf(reason: NotRunReason): ExitCode {
  switch (reason) {
    case 'deadline':
      return 10;
    case 'crash-limit':
    case 'no-agent':
    case 'inseparable':
    case 'unmet-needs':
      return 11;
    case 'maxfail':
    case 'collect-error':
      return 1;
    case 'cancelled':
      return 2;
    default:
      return assertNever(reason);
  }
}

function verdictOf(exitCode: ExitCode): Verdict {
  switch (exitCode) {
    case 0:
      return 'passed';
    case 1:
      return 'failed';
    case 2:
      return 'interrupted';
    case 3:
    case 4:
      return 'internal-error';
    case 5:
      return 'no-tests';
    case 10:
      return 'deadline';
    case 11:
      return 'incomplete';
    default:
      return assertNever(exitCode);
  }
}
