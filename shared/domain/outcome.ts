// The outcomes of a test and the verdicts of a run. A missing outcome is a value here: a test that did not run is `not-run` with a reason,
// never passed.

/** The outcome of one test, as pytest defines it. `error` is a failed setup or teardown, or a crash while the test ran. */
export const outcomes = ['passed', 'failed', 'error', 'skipped', 'xfailed', 'xpassed'] as const;
export type Outcome = (typeof outcomes)[number];

/** Whether this outcome fails a run. */
export const isFailure = (outcome: Outcome): boolean => outcome === 'failed' || outcome === 'error';

/** Why an expected test or file has no outcome. */
export const notRunReasons = [
  'deadline',
  'crash-limit',
  'no-agent',
  'maxfail',
  'cancelled',
  'collect-error',
  'inseparable',
  'unmet-needs',
] as const;
export type NotRunReason = (typeof notRunReasons)[number];

export const verdicts = ['passed', 'failed', 'deadline', 'incomplete', 'interrupted', 'no-tests', 'internal-error'] as const;
export type Verdict = (typeof verdicts)[number];
